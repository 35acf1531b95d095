//! The library in one screen: `cargo run --release -p semdedup --example dedup -- INPUT OUT`.

use semdedup::{Run, Silent};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(input), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dedup INPUT OUT".into());
    };
    let summary = Run::builder([input], out).build()?.run(&Silent)?;
    println!("{} of {} rows stay", summary.rows_kept, summary.rows_in);
    Ok(())
}

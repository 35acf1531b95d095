//! Images that are broken, oversized or transparent.

use std::io::Write;

use super::images::{folder_of, picture};
use super::support::{Sandbox, number};

/// Returns a PNG of 64 x 64 pixels in one colour; only its alpha has a shape.
fn glyph(colour: [u8; 3], alpha: impl Fn(i32, i32) -> u8) -> Vec<u8> {
    let mut pixels = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    for y in -32..32 {
        pixels.write_all(&[0]).unwrap();
        for x in -32..32 {
            let [r, g, b] = colour;
            pixels.write_all(&[r, g, b, alpha(x, y)]).unwrap();
        }
    }
    let pixels = pixels.finish().unwrap();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let header: [u8; 13] = [0, 0, 0, 64, 0, 0, 0, 64, 8, 6, 0, 0, 0];
    for (name, data) in [(b"IHDR", &header[..]), (b"IDAT", &pixels[..]), (b"IEND", &[][..])] {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend([&name[..], data].concat());
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

#[test]
fn icons_that_differ_only_in_their_alpha_are_not_copies() {
    let shapes: [fn(i32, i32) -> bool; 5] = [
        |x, y| x * x + y * y < 500,
        |x, y| x.abs().min(y.abs()) < 5 && x.abs().max(y.abs()) < 26,
        |x, y| (x - y).abs() < 6 && x.abs() < 26,
        |x, y| y.rem_euclid(16) < 6 && x.abs() < 26,
        |x, y| (300..700).contains(&(x * x + y * y)),
    ];
    for colour in [[0; 3], [255; 3], [220, 20, 30]] {
        let sandbox = Sandbox::new();
        for (n, shape) in shapes.into_iter().enumerate() {
            sandbox.write(&format!("icons/{n}.png"), glyph(colour, |x, y| if shape(x, y) { 255 } else { 0 }));
        }
        let summary = sandbox.summary("run icons --out o");
        assert_eq!(number(&summary, "exact_duplicates"), 0, "{colour:?}: {summary:#?}");
        assert!(number(&summary, "rows_kept") >= 4, "{colour:?}: {summary:#?}");
    }
}

#[test]
fn images_of_every_name_of_their_formats_are_decoded() {
    let sandbox = Sandbox::new();
    let pixels = |n: usize| -> Vec<u8> { (0..64 * 64 * 3).map(|at| (at * (n + 3) % 251) as u8).collect() };
    let pam = b"P7\nWIDTH 64\nHEIGHT 64\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n";
    sandbox.write("photos/a.pam", [&pam[..], &pixels(1)].concat());
    sandbox.write("photos/b.pnm", [&b"P6\n64 64\n255\n"[..], &pixels(2)].concat());
    sandbox.write("photos/c.apng", glyph([9; 3], |x, y| if x > y { 255 } else { 0 }));
    let summary = sandbox.summary("run photos --out o --epsilon 0.001");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_skipped")), (3, 0), "{summary}");
    sandbox.write("photos/d.avif", b"\0\0\0\x20ftypavif\0\0\0\0");
    let plan = sandbox.semdedup("run photos --out o2 --dry-run --json").succeeded();
    assert_eq!(number(&plan.json(), "rows"), 3);
    assert!(plan.stderr.contains("d.avif is an AVIF picture"), "{}", plan.stderr);
}

#[test]
fn fully_transparent_images_are_skipped_and_listed() {
    let sandbox = folder_of(4);
    for n in 0..3 {
        sandbox.write(&format!("photos/nothing-{n}.png"), glyph([90 * n, 0, 0], |_, _| 0));
    }
    sandbox.semdedup("run photos --out o --epsilon 0.01").skipped_rows();
    let reasons = sandbox.column("o/skipped.parquet", "reason");
    assert_eq!(reasons.len(), 3);
    for reason in reasons {
        assert!(reason.contains("nothing-") && reason.contains("transparent everywhere"), "{reason}");
    }
}

#[test]
fn broken_and_oversized_images_are_listed_and_left_in_place() {
    let sandbox = folder_of(8);
    sandbox.write("photos/broken.png", b"\x89PNG\r\n\x1a\nnothing");
    sandbox.write("photos/empty.jpg", b"");
    let mut bomb = picture(1, 0);
    bomb[18..26].copy_from_slice(&[0, 0, 1, 0, 0, 0, 1, 0]);
    sandbox.write("photos/bomb.bmp", bomb);
    let said = sandbox.semdedup("run photos --out o --epsilon 0.01").skipped_rows();
    assert!(said.stderr.contains("3 rows"), "{}", said.stderr);
    assert_eq!(sandbox.column("o/skipped.parquet", "row").len(), 3);
    let reasons = sandbox.column("o/skipped.parquet", "reason").join("\n");
    assert!(reasons.contains("65536"), "{reasons}");
    assert_eq!(sandbox.files("photos").len(), 11);
    sandbox.semdedup("run photos --out o2 --strict").failed_with(&["row"]);
    sandbox.has_no_result("o2");
}

#[test]
fn a_run_that_could_read_no_row_fails_with_the_first_reason_and_writes_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("photos/a.jpg", b"not a picture");
    sandbox.write("photos/b.png", b"");
    for typed in ["run photos --out o", "run photos --out o --quiet"] {
        sandbox.semdedup(typed).failed_with(&["all 2 rows were skipped", "row 0", "a.jpg", "not an image"]);
        sandbox.has_no_result("o");
    }
    assert_eq!(sandbox.files("photos").len(), 2);
}

#[test]
fn equal_images_are_embedded_once_and_equal_broken_images_are_named_each() {
    let sandbox = Sandbox::new();
    let image = glyph([9; 3], |x, y| if x > y { 255 } else { 0 });
    let broken = image[..image.len() / 2].to_vec();
    for (name, bytes) in [("a", &image), ("b", &broken), ("c", &image), ("d", &broken)] {
        sandbox.write(&format!("icons/{name}.png"), bytes);
    }
    let summary = sandbox.semdedup("run icons --out o --json").skipped_rows().json();
    let counts = ["embedded_rows", "repeated_rows", "rows_skipped", "exact_duplicates"];
    assert_eq!(counts.map(|name| number(&summary, name)), [1, 1, 2, 1], "{summary:#}");
    let reasons = sandbox.column("o/skipped.parquet", "reason");
    assert!(
        reasons[0].starts_with("icons/b.png: ") && reasons[1].starts_with("icons/d.png: "),
        "{reasons:?}"
    );
}

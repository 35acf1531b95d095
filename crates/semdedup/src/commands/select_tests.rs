//! A score table that changes while rows are chosen is noticed.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::Run;
use crate::commands::stamped::case::{Meddler, Moment, assert_changed};
use crate::progress::Silent;

#[test]
fn a_table_that_changes_while_the_lists_are_written_is_an_error_and_no_list_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (rows, out) = (folder.path().join("rows.txt"), folder.path().join("out"));
    let texts: String = (0..300).map(|row| format!("row {} of many\n", row / 2)).collect();
    std::fs::write(&rows, texts).unwrap();
    Run::builder([rows.display().to_string()], &out).build().unwrap().run(&Silent).unwrap();
    let (scores, selected) = (out.join("scores.parquet"), folder.path().join("selected"));
    let (options, output) = (SelectOptions::default(), OutputOptions::new(&selected));
    let meddler = Meddler { file: &scores, moment: Moment::Begin(Stage::Select) };
    let error = select(&scores, &options, &output, &meddler).unwrap_err();
    assert_changed(&error, &scores);
    assert!(!TABLES.iter().chain([&SUMMARY]).any(|name| selected.join(name).exists()));
    select(&scores, &options, &output, &Silent).unwrap();
}

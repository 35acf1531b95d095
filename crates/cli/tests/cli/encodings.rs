//! Files in the encodings of one language: `--encoding` reads them, and kept rows stay as they are.

use semdedup::formats::TextEncoding;

use super::support::{Sandbox, number};

const CHINESE: [&str; 4] = [
    "河水在春天上涨，淹没了小镇。",
    "新手机卖得很好，收入上升了。",
    "河水在春天上涨，淹没了小镇。",
    "把鸡蛋和糖打到发白。",
];

/// Encodes a text as the library does; the unit tests compare that with Python's bytes.
fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let table = encoding_rs::Encoding::for_label(encoding.as_bytes()).unwrap();
    assert!(TextEncoding::named(encoding).is_ok());
    table.encode(text).0.into_owned()
}

#[test]
fn rows_are_read_in_every_format_of_text_and_kept_byte_for_byte() {
    let jsonl: String = CHINESE.iter().map(|text| format!("{{\"text\": \"{text}\"}}\n")).collect();
    let list = format!("[{}]", jsonl.trim_end().replace('\n', ",\n"));
    let csv: String = std::iter::once("id,text\n".to_owned())
        .chain(CHINESE.iter().map(|text| format!("编号,{text}\n")))
        .collect();
    let lines = format!("{}\n", CHINESE.join("\n"));
    for encoding in ["gbk", "gb18030"] {
        for (name, content) in [("a.jsonl", &jsonl), ("a.json", &list), ("a.csv", &csv), ("a.txt", &lines)] {
            let sandbox = Sandbox::new();
            let bytes = encoded(content, encoding);
            sandbox.write(name, &bytes);
            // Lines of text have no columns.
            let output = if name == "a.txt" { "files" } else { "files,annotate" };
            let said = sandbox
                .semdedup(&format!("run {name} --encoding {encoding} --out out --output {output} --json"));
            let summary = said.succeeded().json();
            let counts = ["rows_in", "rows_kept", "exact_duplicates"].map(|field| number(&summary, field));
            assert_eq!(counts, [4, 3, 1], "{name}");
            let kept = sandbox.read(&format!("out/kept/{name}"));
            let third = encoded(CHINESE[2], encoding);
            let places = kept.windows(third.len()).filter(|window| *window == third).count();
            assert_eq!(places, 1, "{name}: the copy goes, the other stays in its encoding");
            assert!(bytes.starts_with(&kept[..5]), "{name}");
            let compared = summary["compared"]["files"][0]["encoding"].as_str().unwrap().to_lowercase();
            assert_eq!(compared, encoding);
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_a_bad_row_of_that_encoding() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "a.txt",
        [encoded("东西很好\n", "gbk"), b"\xff\xff\n".to_vec(), encoded("河水\n", "gbk")].concat(),
    );
    sandbox.semdedup("run a.txt --encoding gbk --out out").skipped_rows();
    assert_eq!(sandbox.column("out/skipped.parquet", "row"), ["1"]);
    assert_eq!(sandbox.column("out/skipped.parquet", "reason"), ["not valid GBK at byte 0"]);
    assert_eq!(
        sandbox.read("out/kept/a.txt"),
        [encoded("东西很好\n", "gbk"), encoded("河水\n", "gbk")].concat()
    );
}

#[test]
fn what_was_hinted_at_works() {
    let sandbox = Sandbox::new();
    let lines: String = ["Café au lait", "Ça va très bien", "Où est-il", "L’été à Nîmes"]
        .map(|text| format!("{text}\n"))
        .concat();
    sandbox.write("a.txt", encoded(&lines, "windows-1252"));
    let said = sandbox.semdedup("run a.txt --out out").failed_with(&["all 4 rows were skipped"]);
    assert!(said.stderr.contains("--encoding WINDOWS-1252"), "{}", said.stderr);
    let summary = sandbox.summary("run a.txt --out out --encoding WINDOWS-1252");
    assert_eq!(number(&summary, "rows_kept"), 4);
    // A byte order mark goes before the option.
    sandbox.write("b.txt", format!("\u{feff}{lines}"));
    assert_eq!(number(&sandbox.summary("run b.txt --out b --encoding latin1"), "rows_kept"), 4);
    assert_eq!(sandbox.text("b/kept/b.txt"), format!("\u{feff}{lines}"));
}

#[test]
fn a_file_that_is_utf8_is_not_read_as_another_encoding() {
    let sandbox = Sandbox::new();
    sandbox.write("a.txt", CHINESE.join("\n"));
    sandbox
        .semdedup("run a.txt --out out --encoding latin1")
        .failed_with(&["a.txt: is UTF-8"])
        .hinted("leave out --encoding");
}

#[test]
fn utf16_without_a_mark_is_read_if_it_is_named_as_it_is() {
    let sandbox = Sandbox::new();
    let text = format!("{}\n", CHINESE.join("\n"));
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    sandbox.write("a.txt", &little);
    sandbox
        .semdedup("run a.txt --out out")
        .failed_with(&["looks like UTF-16LE"])
        .hinted("--encoding utf-16le");
    sandbox
        .semdedup("run a.txt --out out --encoding utf-16be")
        .failed_with(&["a.txt: looks like UTF-16LE, not like UTF-16BE"])
        .hinted("--encoding utf-16le reads it");
    let summary = sandbox.summary("run a.txt --out out --encoding utf-16le");
    assert_eq!((number(&summary, "rows_in"), number(&summary, "rows_kept")), (4, 3));
    assert_eq!(summary["compared"]["files"][0]["encoding"], "UTF-16LE");
    assert!(sandbox.read("out/kept/a.txt").len() < little.len());
    assert!(little.starts_with(&sandbox.read("out/kept/a.txt")[..60]));
    // Plain ASCII would be taken for other letters.
    sandbox.write("b.txt", "one\ntwo\n");
    sandbox
        .semdedup("run b.txt --out b --encoding utf-16le")
        .failed_with(&["b.txt: is UTF-8"])
        .hinted("leave out --encoding");
}

#[test]
fn encodings_that_cannot_be_used_are_refused() {
    let sandbox = Sandbox::with_rows(40);
    for (name, said) in [
        ("klingon", "no such encoding; such as windows-1252"),
        ("cp437", "CP437 is not read; iconv -f CP437 -t UTF-8 OLD > NEW converts a file that is in it"),
        ("utf-32", "UTF-32 is not read; iconv -f UTF-32 -t UTF-8"),
    ] {
        let failed = sandbox.semdedup(&format!("run data.jsonl --out out --encoding {name}"));
        assert_eq!(failed.code, 2, "{failed:?}");
        assert!(failed.stderr.contains(said), "{}", failed.stderr);
    }
    sandbox.semdedup("run data.jsonl --out out --encoding utf-16").failed_with(&["UTF-16"]);
    let parquet = sandbox.semdedup("run data.jsonl --out out --encoding utf-8").succeeded();
    assert!(!parquet.stdout.contains("UTF-8,"), "{}", parquet.stdout);
    sandbox.write("a.parquet", super::support::parquet(&super::support::texts(20)));
    sandbox
        .semdedup("run a.parquet --out p --encoding gbk")
        .failed_with(&["no file is of JSON, CSV or text"]);
}

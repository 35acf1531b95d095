//! JSON in other encodings: the error says which one it may be, and what it names reads the file.

use encoding_rs::Encoding;
use semdedup::formats::{Asked, InputFile, TextEncoding, survey};

use crate::support::*;

const RUSSIAN: [&str; 3] =
    ["Снег тает, и река разливается.", "Взбейте яйца с сахаром.", "Комитет отклонил предложение."];
const JAPANESE: [&str; 3] = ["雪が溶けると川があふれます。", "卵と砂糖を混ぜます。", "これは予定表"];
const CHINESE: [&str; 3] = ["河水在春天上涨，淹没了小镇。", "把鸡蛋和糖打到发白。", "委员会否决了提案。"];
const TAIWANESE: [&str; 3] = ["河水在春天上漲，淹沒了小鎮。", "把雞蛋和糖打到發白。", "委員會否決了提案。"];
const KOREAN: [&str; 3] =
    ["눈이 녹으면 강이 넘칩니다.", "달걀과 설탕을 섞으세요.", "위원회는 제안을 거부했습니다."];
const FRENCH: [&str; 3] = [
    "Ça va très bien à Nîmes, où l'été est né.",
    "Café au lait très tôt, déjà prêt.",
    "L'hôtel est fermé l'été.",
];

const CASES: [(&str, [&str; 3]); 8] = [
    ("WINDOWS-1251", RUSSIAN),
    ("KOI8-R", RUSSIAN),
    ("SHIFT_JIS", JAPANESE),
    ("EUC-JP", JAPANESE),
    ("GBK", CHINESE),
    ("BIG5", TAIWANESE),
    ("EUC-KR", KOREAN),
    ("WINDOWS-1252", FRENCH),
];

fn encoded(text: &str, encoding: &str) -> Vec<u8> {
    let (bytes, _, is_lossy) = Encoding::for_label(encoding.as_bytes()).unwrap().encode(text);
    assert!(!is_lossy);
    bytes.into_owned()
}

/// Returns a file of each form of JSON with the texts, three times over.
fn files(texts: [&str; 3]) -> Vec<(&'static str, String)> {
    let rows = [texts; 3].concat().into_iter().map(|text| format!("{{\"id\": 1, \"text\": \"{text}\"}}"));
    let rows: Vec<String> = rows.collect();
    let strings = [texts; 3].concat().into_iter().map(|text| format!("\"{text}\"\n")).collect();
    vec![
        ("a.jsonl", rows.join("\n")),
        ("a.jsonl.gz", rows.join("\n")),
        ("b.jsonl", strings),
        ("a.json", format!("[{}]", rows.join(",\n"))),
        ("b.json", format!("[{}]", rows.join(", "))),
        ("a.json.gz", format!("[\n{}\n]\n", rows.join(",\n"))),
    ]
}

fn find_with(input: &Input, encoding: &str) -> InputFile {
    let asked = Asked { encoding: Some(TextEncoding::named(encoding).unwrap()), ..Asked::default() };
    survey(&[input.file.path.display().to_string()], &[], &asked).unwrap().files.remove(0)
}

#[test]
fn json_in_another_encoding_is_refused_with_the_option_that_reads_it() {
    for (encoding, texts) in CASES {
        for (name, content) in files(texts) {
            let input = input(name, &encoded(&content, encoding));
            let error = resolve_one(&input.file, &choice(None, None)).unwrap_err();
            assert!(error.to_string().contains(": is not UTF-8: row "), "{encoding} {name}: {error}");
            let hint = error.hint_text().unwrap();
            assert_eq!(
                hint,
                format!("its bytes look like {encoding}: --encoding {encoding} reads it"),
                "{name}"
            );
            let file = find_with(&input, encoding);
            let whole = read(&file, &resolve_one(&file, &choice(None, None)).unwrap()).unwrap();
            assert_eq!((whole.texts(), whole.bad.len()), ([texts; 3].concat(), 0), "{encoding} {name}");
        }
    }
}

#[test]
fn few_texts_get_more_than_one_name() {
    for name in ["a.json", "a.jsonl"] {
        let row = "{\"text\": \"河春\"}";
        let content = if name == "a.json" { format!("[{row}, {row}]") } else { row.to_owned() };
        let error =
            resolve_one(&input(name, &encoded(&content, "gbk")).file, &choice(None, None)).unwrap_err();
        let hint = error.hint_text().unwrap();
        assert!(hint.starts_with("its bytes may be GBK or ") && hint.contains("which is a guess"), "{hint}");
    }
}

#[test]
fn an_encoding_that_is_named_wrongly_is_told_by_its_name() {
    let (name, content) = files(RUSSIAN).remove(0);
    let input = input(name, &encoded(&content, "windows-1251"));
    let error = resolve_one(&find_with(&input, "euc-jp"), &choice(None, None)).unwrap_err();
    assert!(error.to_string().contains(": is not EUC-JP: row 0: not valid EUC-JP at byte "), "{error}");
    assert_eq!(error.hint_text(), Some("its bytes look like WINDOWS-1251: --encoding WINDOWS-1251 reads it"));
}

#[test]
fn a_damaged_list_that_is_utf8_keeps_its_own_error() {
    let input = input("a.json", "[{\"text\": \"é\"}, {\"text\": \"b\"]".as_bytes());
    let error = read(&input.file, &text_column("text")).unwrap_err();
    assert!(error.to_string().contains("row 1: not a JSON list: `]` closes nothing"), "{error}");
}

//! Tar archives from GNU tar and other programs: links, sparse members, attributes, and headers
//! that are too large.

use proptest::prelude::*;
use semdedup::Error;
use semdedup::formats::{ColumnChoice, CompareBy, ReadLimits, count_rows, rows_by};
use tar::{EntryType, Header};

use crate::support::{Input, choice, raw_input, read, resolve_one, text_column, with_id, write};

/// An archive that is built block by block.
#[derive(Default)]
struct Shard(Vec<u8>);

impl Shard {
    fn member(mut self, kind: EntryType, name: &str, data: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_entry_type(kind);
        header.set_size(data.len() as u64);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    fn file(self, name: &str, data: &[u8]) -> Self {
        self.member(EntryType::Regular, name, data)
    }

    fn link(mut self, kind: EntryType, name: &str, to: &str) -> Self {
        let mut header = Header::new_gnu();
        header.set_path(name).unwrap();
        header.set_link_name(to).unwrap();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self
    }

    fn attributes(self, kind: EntryType, attributes: &[(&str, &str)]) -> Self {
        let records: String = attributes.iter().map(|(key, value)| record(key, value)).collect();
        self.member(kind, "attributes", records.as_bytes())
    }

    fn input(&self) -> Input {
        raw_input("x.tar", &[&self.0[..], &[0; 1024]].concat())
    }
}

/// Returns an attribute with its length in front.
fn record(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let length = (1..).map(|digits| rest.len() + digits).find(|n| n.to_string().len() + rest.len() == *n);
    format!("{}{rest}", length.unwrap())
}

#[test]
fn the_json_of_a_sample_may_be_that_of_python_and_names_reach_into_its_lists() {
    let shard = Shard::default()
        .file("a.json", br#"{"caption": "one", "n": NaN, "turns": [{"text": "x"}, {"text": "y"}]}"#)
        .file("b.json", br#"{"caption": "tw\ud83d", "id": NaN, "turns": [{"text": "z"}]}"#)
        .file("c.json", br#"{"caption": NaN, "id": 1e999, "turns": []}"#)
        .file("d.json", br#"{"caption": "four", "turns": [7]}"#);
    let input = shard.input();
    let captions = resolve_one(&input.file, &choice(Some("json.caption"), Some("json.id"))).unwrap();
    let whole = read(&input.file, &captions).unwrap();
    assert_eq!((whole.texts(), whole.bad.len()), (vec!["one", "tw\u{fffd}", "", "four"], 0));
    assert_eq!(whole.string_ids(), [None, None, Some("1e999"), None]);
    for (name, expected) in
        [("json.turns[*].text", ["x\ny", "z", "", "<bad>"]), ("json.turns[-1].text", ["y", "z", "", "<bad>"])]
    {
        let columns = resolve_one(&input.file, &choice(Some(name), None)).unwrap();
        assert_eq!(read(&input.file, &columns).unwrap().texts(), expected);
    }
}

/// Returns the error of reading, which counting and writing return too.
fn error_of(input: &Input) -> Error {
    let error = read(&input.file, &text_column("txt")).unwrap_err();
    let counted = count_rows(&input.file, &ReadLimits::default()).unwrap_err();
    let written = write(input, &mut |row| row > 0).unwrap_err();
    assert_eq!((counted.to_string(), written.to_string()), (error.to_string(), error.to_string()));
    error
}

#[test]
fn a_link_in_a_sample_is_refused() {
    for kind in [EntryType::Link, EntryType::Symlink] {
        let shard = Shard::default().file("a.png", b"\x89PNG").file("a.txt", b"one");
        let input = shard.link(kind, "b.png", "a.png").file("b.txt", b"two").input();
        let error = error_of(&input);
        assert!(error.to_string().contains("x.tar: the member `b.png` is a link"), "{error}");
        assert!(error.hint_text().unwrap().contains("tar --dereference --hard-dereference"));
        let by_image = ColumnChoice { by: Some(CompareBy::Image), ..ColumnChoice::default() };
        assert_eq!(resolve_one(&input.file, &by_image).unwrap_err().to_string(), error.to_string());
    }
}

#[test]
fn a_link_that_belongs_to_no_sample_stays() {
    let shard = Shard::default().file("a.txt", b"one").link(EntryType::Link, "b/first", "a.txt");
    let shard = shard.link(EntryType::Symlink, ".first.txt", "a.txt").file("b.txt", b"two");
    let input = shard.input();
    assert_eq!(read(&input.file, &text_column("txt")).unwrap().texts(), ["one", "two"]);
    let kept = write(&input, &mut |_| true).unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(&input.file.path).unwrap());
}

#[test]
fn sparse_members_of_every_kind_are_refused() {
    let sparse: [&[(&str, &str)]; 3] = [
        &[("GNU.sparse.size", "1048578"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.offset", "0")],
        &[("GNU.sparse.name", "b.npy"), ("GNU.sparse.map", "1048576,2")],
        &[("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "b.npy")],
    ];
    let name = "GNUSparseFile.7/b.npy";
    let begun = || Shard::default().file("a.txt", b"one");
    let mut shards = vec![begun().member(EntryType::GNUSparse, name, b"")];
    for attributes in sparse {
        shards.push(begun().attributes(EntryType::XHeader, attributes).file(name, b"1\n0\n2\n"));
    }
    for shard in shards {
        let error = error_of(&shard.file("b.txt", b"two").input());
        let expected = format!("x.tar: the member `{name}` is stored without its holes, which is not read");
        assert!(error.to_string().ends_with(&expected), "{error}");
        assert!(error.hint_text().unwrap().contains("--sparse"));
    }
    let all = begun().attributes(EntryType::XGlobalHeader, sparse[0]).file(name, b"");
    assert!(error_of(&all.input()).to_string().contains("is stored without its holes"));
}

#[test]
fn attributes_may_hold_line_breaks() {
    let rights = "user::rw-\nuser:1000:r--\n\n9 path=x\ngroup::r--\n";
    let attributes = [("SCHILY.acl.access", rights), ("path", "ä\n=.txt"), ("size", "3"), ("comment", "")];
    let shard = Shard::default().attributes(EntryType::XGlobalHeader, &[("comment", "two\nlines")]);
    let shard = shard.attributes(EntryType::XHeader, &attributes).file("cut", b"one").file("b.txt", b"two");
    let input = shard.input();
    let rows = read(&input.file, &with_id("txt", "__key__")).unwrap();
    assert_eq!((rows.texts(), rows.string_ids()), (vec!["one", "two"], vec![Some("ä\n="), Some("b")]));
    let kept = write(&input, &mut |_| true).unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), std::fs::read(&input.file.path).unwrap());
}

#[test]
fn malformed_attributes_are_errors() {
    let malformed = [
        "13 path=a.txt\n",
        "15 path=a.txt\n",
        "14 path=a.txt",
        "+15 path=a.txt\n",
        "14path=a.txt\n",
        "12 patha.tx\n",
        "0 path=a.txt\n",
        "1 path=a.txt\n",
        "3 \n",
        "2 ",
        " path=a.txt\n",
        "-1 path=a.txt\n",
        "99999999999999999999999999 path=a.txt\n",
        "18446744073709551615 path=a.txt\n",
        "14 path=a.txt\n\n",
    ];
    for records in malformed {
        let shard = Shard::default().member(EntryType::XHeader, "attributes", records.as_bytes());
        let error = error_of(&shard.file("a.txt", b"one").input()).to_string();
        assert!(error.contains("an attribute is malformed"), "{records:?}: {error}");
    }
    for size in ["", "-1", "+3", "99999999999999999999", "x"] {
        let shard = Shard::default().attributes(EntryType::XHeader, &[("size", size)]).file("a.txt", b"one");
        assert!(error_of(&shard.input()).to_string().contains("a size is not a number"), "{size}");
    }
}

#[test]
fn global_attributes_say_nothing_of_one_member() {
    for attribute in [("path", "a.txt"), ("size", "3")] {
        let shard = Shard::default().attributes(EntryType::XGlobalHeader, &[attribute]).file("a.txt", b"one");
        let error = error_of(&shard.input()).to_string();
        assert!(error.contains("a header gives all members one name or size"), "{error}");
    }
    let between = Shard::default().attributes(EntryType::XHeader, &[("path", "long.txt")]);
    let between = between.attributes(EntryType::XGlobalHeader, &[("comment", "c")]).file("cut", b"one");
    let error = error_of(&between.input()).to_string();
    assert!(error.contains("there is something between a member and its attributes"), "{error}");
}

#[test]
fn the_headers_of_one_member_are_limited_in_sum() {
    let large = vec![0; 1 << 20];
    let comment = record("comment", &"c".repeat(1_000_000));
    let headers = [
        (EntryType::GNULongLink, &large[..]),
        (EntryType::GNULongName, &large),
        (EntryType::XHeader, comment.as_bytes()),
        (EntryType::GNULongLink, &large),
        (EntryType::XHeader, comment.as_bytes()),
    ];
    for (count, is_over) in [(3, false), (5, true)] {
        let mut shard = Shard::default();
        for (kind, data) in &headers[..count] {
            shard = shard.member(*kind, "header", data);
        }
        let path = [("path", "a.txt")];
        let input = shard.attributes(EntryType::XHeader, &path).file("cut", b"one").input();
        if is_over {
            let error = error_of(&input).to_string();
            assert!(error.contains("the headers of one member are over the limit of 4194304"), "{error}");
        } else {
            assert_eq!(read(&input.file, &text_column("txt")).unwrap().texts(), ["one"]);
        }
    }
    // Headers without data count too.
    let mut shard = Shard::default();
    for _ in 0..=(4 << 20) / 512 {
        shard = shard.member(EntryType::GNULongName, "header", b"");
    }
    assert!(error_of(&shard.input()).to_string().contains("the headers of one member"));
}

#[test]
fn ids_in_json_are_what_is_written_there() {
    let ids = [
        ("12345678901234567890123", Some("12345678901234567890123")),
        ("1.10", Some("1.10")),
        ("-0", Some("-0")),
        ("1E400", Some("1E400")),
        ("true", Some("true")),
        (r#""\u00e4\n1.10""#, Some("ä\n1.10")),
        ("null", None),
        (r#"1, "id": 2.0"#, Some("2.0")),
    ];
    let mut shard = Shard::default();
    for (row, (token, _)) in ids.iter().enumerate() {
        let fields = format!("{{\"m\": {{\"id\": {token} }}, \"id\": {token} , \"k\": \"\\ud800\"}}");
        shard = shard.file(&format!("{row}.json"), fields.as_bytes()).file(&format!("{row}.txt"), b"t");
    }
    let input = shard.file("l.json", b" [{\"id\": 1}]").file("l.txt", b"t").input();
    let expected: Vec<_> = ids.iter().map(|(_, id)| *id).chain([None]).collect();
    for column in ["json.id", "json.m.id"] {
        let rows = read(&input.file, &with_id("txt", column)).unwrap();
        assert_eq!((rows.string_ids(), rows.bad.len()), (expected.clone(), 0));
    }
}

#[test]
fn a_field_that_is_no_id_is_a_bad_row() {
    let shard = Shard::default().file("0.json", b"{\"id\": [1]}").file("1.json", b"{\"id\": {}}");
    let shard =
        shard.file("2.json", b"{\"id\": 1").file("3.json", b"[1").file("4.json", b"{\"id\": \"\xff\"}");
    let shard = shard.file("5.json", b"{\"id\": 1} {}").file("6.json", b"{\"id\": \"\\ud800\"}");
    let rows = read(&shard.input().file, &with_id("txt", "json.id")).unwrap();
    assert_eq!(rows.bad.iter().map(|bad| bad.row).collect::<Vec<_>>(), (0..6).collect::<Vec<_>>());
    assert_eq!(rows.string_ids()[6], Some("\u{fffd}"));
    assert_eq!(rows.bad[0].reason, "member `json`: `id` is a list or an object, not a string");
}

#[test]
fn turns_of_a_chat_in_a_member_are_a_text_and_a_chat_without_turns_an_empty_one() {
    let chats = [r#"[{"role":"user","content":"Hi"},{"role":"tool","content":"7"}]"#, "[ ]", "null", "[1]"];
    let shard = chats.iter().enumerate().fold(Shard::default(), |shard, (row, chat)| {
        shard.file(&format!("{row}.json"), format!("{{\"messages\": {chat}}}").as_bytes())
    });
    let rows = read(&shard.input().file, &text_column("json.messages")).unwrap();
    assert_eq!(rows.texts(), ["user: Hi\ntool: 7", "", "", "<bad>"]);
}

#[test]
fn roles_that_have_no_effect_on_a_shard_are_refused() {
    let chat = br#"{"messages": [{"role":"user","content":"Hi"}], "note": "user: Hi"}"#;
    let input = Shard::default().file("0.json", chat).file("0.caption.txt", b"user: Hi").input();
    let with = |text: &str, roles: &[&str]| {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        resolve_one(&input.file, &ColumnChoice { roles, ..choice(Some(text), None) })
    };
    assert_eq!(with("json.messages", &["user", "tool"]).unwrap().roles, ["tool", "user"]);
    for (text, roles) in
        [("json.messages", &["user", "asistant"][..]), ("caption.txt", &["user"]), ("json.note", &["user"])]
    {
        let error = with(text, roles).unwrap_err().to_string();
        assert!(error.starts_with("--roles "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_attributes_are_read_or_are_an_error(records in "([0-9]{1,2}|[ =a\n]|path=|size=){0,12}") {
        let shard = Shard::default().member(EntryType::XHeader, "attributes", records.as_bytes());
        let input = shard.file("a.txt", b"one").input();
        let rows = read(&input.file, &text_column("txt"));
        prop_assert_eq!(rows.is_ok(), write(&input, &mut |_| true).is_ok());
    }
}

#[test]
fn a_file_of_no_bytes_is_no_archive() {
    let error = error_of(&raw_input("x.tar", b""));
    assert!(error.to_string().contains("it is empty"), "{error}");
}

#[test]
fn a_shard_without_samples_says_nothing_of_the_others() {
    let (empty, images) = (raw_input("x.tar", &[0; 1024]), Shard::default().file("a.png", b"?").input());
    let files = [empty.file.clone(), images.file.clone()];
    assert_eq!(rows_by(&files, &ColumnChoice::default()).unwrap(), CompareBy::Image);
    for by in [CompareBy::Image, CompareBy::Text, CompareBy::Both] {
        resolve_one(&empty.file, &ColumnChoice { by: Some(by), ..ColumnChoice::default() }).unwrap();
    }
    assert_eq!(count_rows(&empty.file, &ReadLimits::default()).unwrap(), 0);
}

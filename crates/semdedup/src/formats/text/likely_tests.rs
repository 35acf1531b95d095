//! Tests of the encodings that bytes look like.
#![allow(clippy::unwrap_used)]

use super::*;

/// "The snow melts, and the river floods." and the like in several languages, in encodings of each;
/// encoded by Python 3.11.
#[rustfmt::skip]
fn texts() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("WINDOWS-1251", b"\xd1\xed\xe5\xe3 \xf2\xe0\xe5\xf2, \xe8 \xf0\xe5\xea\xe0 \xf0\xe0\xe7\xeb\xe8\xe2\xe0\xe5\xf2\xf1\xff.\n\xc2\xe7\xe1\xe5\xe9\xf2\xe5 \xff\xe9\xf6\xe0 \xf1 \xf1\xe0\xf5\xe0\xf0\xee\xec \xe4\xee \xe1\xe5\xeb\xe0.\n"),
        ("KOI8-R", b"\xf3\xce\xc5\xc7 \xd4\xc1\xc5\xd4, \xc9 \xd2\xc5\xcb\xc1 \xd2\xc1\xda\xcc\xc9\xd7\xc1\xc5\xd4\xd3\xd1.\n\xf7\xda\xc2\xc5\xca\xd4\xc5 \xd1\xca\xc3\xc1 \xd3 \xd3\xc1\xc8\xc1\xd2\xcf\xcd \xc4\xcf \xc2\xc5\xcc\xc1.\n"),
        ("IBM866", b"\x91\xad\xa5\xa3 \xe2\xa0\xa5\xe2, \xa8 \xe0\xa5\xaa\xa0 \xe0\xa0\xa7\xab\xa8\xa2\xa0\xa5\xe2\xe1\xef.\n\x82\xa7\xa1\xa5\xa9\xe2\xa5 \xef\xa9\xe6\xa0 \xe1 \xe1\xa0\xe5\xa0\xe0\xae\xac \xa4\xae \xa1\xa5\xab\xa0.\n"),
        ("ISO-8859-5", b"\xc1\xdd\xd5\xd3 \xe2\xd0\xd5\xe2, \xd8 \xe0\xd5\xda\xd0 \xe0\xd0\xd7\xdb\xd8\xd2\xd0\xd5\xe2\xe1\xef.\n\xb2\xd7\xd1\xd5\xd9\xe2\xd5 \xef\xd9\xe6\xd0 \xe1 \xe1\xd0\xe5\xd0\xe0\xde\xdc \xd4\xde \xd1\xd5\xdb\xd0.\n"),
        ("X-MAC-CYRILLIC", b"\x91\xed\xe5\xe3 \xf2\xe0\xe5\xf2, \xe8 \xf0\xe5\xea\xe0 \xf0\xe0\xe7\xeb\xe8\xe2\xe0\xe5\xf2\xf1\xdf.\n\x82\xe7\xe1\xe5\xe9\xf2\xe5 \xdf\xe9\xf6\xe0 \xf1 \xf1\xe0\xf5\xe0\xf0\xee\xec \xe4\xee \xe1\xe5\xeb\xe0.\n"),
        ("WINDOWS-1251", b"\xd1\xed\xb3\xe3 \xf2\xe0\xed\xe5, \xb3 \xf0\xb3\xf7\xea\xe0 \xf0\xee\xe7\xeb\xe8\xe2\xe0\xba\xf2\xfc\xf1\xff \xed\xe0\xe2\xe5\xf1\xed\xb3.\n"),
        ("SHIFT_JIS", b"\x90\xe1\x82\xaa\x97n\x82\xaf\x82\xe9\x82\xc6\x90\xec\x82\xaa\x82\xa0\x82\xd3\x82\xea\x82\xdc\x82\xb7\x81B\n"),
        ("EUC-JP", b"\xc0\xe3\xa4\xac\xcd\xcf\xa4\xb1\xa4\xeb\xa4\xc8\xc0\xee\xa4\xac\xa4\xa2\xa4\xd5\xa4\xec\xa4\xde\xa4\xb9\xa1\xa3\n"),
        ("GBK", b"\xba\xd3\xcb\xae\xd4\xda\xb4\xba\xcc\xec\xc9\xcf\xd5\xc7\xa3\xac\xd1\xcd\xc3\xbb\xc1\xcb\xd0\xa1\xd5\xf2\xa1\xa3\n"),
        ("BIG5", b"\xaae\xa4\xf4\xa6b\xacK\xa4\xd1\xa4W\xba\xa6\xa1A\xb2T\xa8S\xa4F\xa4p\xc2\xed\xa1C\n"),
        ("EUC-KR", b"\xb4\xab\xc0\xcc \xb3\xec\xc0\xb8\xb8\xe9 \xb0\xad\xc0\xcc \xb3\xd1\xc4\xa8\xb4\xcf\xb4\xd9.\n"),
        ("WINDOWS-1252", b"La neige fond au caf\xe9, tr\xe8s t\xf4t.\n"),
        ("MACINTOSH", b"La neige fond au caf\x8e, tr\x8fs t\x99t.\n"),
        ("IBM850", b"La neige fond au caf\x82, tr\x8as t\x93t.\n"),
        ("WINDOWS-1252", b"Die B\xe4ume gr\xfcnen sch\xf6n, die Stra\xdfe nicht.\n"),
        ("MACINTOSH", b"Die B\x8aume gr\x9fnen sch\x9an, die Stra\xa7e nicht.\n"),
        ("IBM850", b"Die B\x84ume gr\x81nen sch\x94n, die Stra\xe1e nicht.\n"),
        ("WINDOWS-1252", b"La ni\xf1a comi\xf3 aqu\xed con el se\xf1or.\n"),
        ("MACINTOSH", b"La ni\x96a comi\x97 aqu\x92 con el se\x96or.\n"),
        ("IBM850", b"La ni\xa4a comi\xa2 aqu\xa1 con el se\xa4or.\n"),
        ("WINDOWS-1250", b"\x8cnieg ju\xbf si\xea topi, a rzeka b\xeadzie p\xb3yn\xb9\xe6 d\xb3u\xbfej.\n"),
        ("ISO-8859-2", b"\xa6nieg ju\xbf si\xea topi, a rzeka b\xeadzie p\xb3yn\xb1\xe6 d\xb3u\xbfej.\n"),
        ("WINDOWS-1250", b"Sn\xedh taje a \xf8eka se rozl\xe9v\xe1, p\xf8\xed\x9at\xec tak\xe9.\n"),
        ("WINDOWS-1253", b"\xd4\xef \xf7\xe9\xfc\xed\xe9 \xeb\xe9\xfe\xed\xe5\xe9 \xea\xe1\xe9 \xf4\xef \xf0\xef\xf4\xdc\xec\xe9 \xf6\xef\xf5\xf3\xea\xfe\xed\xe5\xe9.\n"),
        ("WINDOWS-1255", b"\xe4\xf9\xec\xe2 \xf0\xee\xf1 \xe5\xe4\xf0\xe4\xf8 \xf2\xe5\xec\xe4 \xf2\xec \xe2\xe3\xe5\xfa\xe9\xe5.\n"),
        ("WINDOWS-1256", b"\xed\xd0\xe6\xc8 \xc7\xe1\xcb\xe1\xcc \xe6\xed\xdd\xed\xd6 \xc7\xe1\xe4\xe5\xd1 \xdd\xed \xc7\xe1\xd1\xc8\xed\xda.\n"),
        ("WINDOWS-874", b"\xcb\xd4\xc1\xd0\xc5\xd0\xc5\xd2\xc2\xe1\xc5\xd0\xe1\xc1\xe8\xb9\xe9\xd3\xa1\xe7\xe0\xcd\xe8\xcd\xc5\xe9\xb9\xe3\xb9\xc4\xb4\xd9\xe3\xba\xe4\xc1\xe9\xbc\xc5\xd4\n"),
    ]
}

#[test]
fn the_likely_encoding_of_a_text_is_found() {
    for (name, bytes) in texts() {
        let found = likely(&bytes.repeat(8)).unwrap();
        assert_eq!(found.name, name, "{found}");
        // Central European letters are the same in two encodings, but for a few; so are those of Russian
        // on a Macintosh. Thai has no spaces, like Chinese.
        let is_like_another = ["WINDOWS-1250", "ISO-8859-2", "X-MAC-CYRILLIC", "WINDOWS-874"].contains(&name);
        assert!(!found.is_guess || is_like_another, "{found}");
        let few = likely(bytes).unwrap();
        assert_eq!(few.name, name, "{few}");
    }
    assert_eq!(likely("caf\u{e9}\n".as_bytes()), None);
}

#[test]
fn words_without_letters_beyond_ascii_do_not_count() {
    for (name, bytes) in texts() {
        let json = [b"{\"identifier\": 17, \"description\": \"", bytes.trim_ascii_end(), b"\"}\n"].concat();
        assert_eq!(likely(&json).unwrap().name, name);
        // Without a line end too, as in a list that is one line.
        assert_eq!(likely(&json[..json.len() - 1]).unwrap().name, name);
    }
}

#[test]
fn few_letters_are_a_guess_that_names_another_encoding() {
    // Two Chinese characters, and two of Korean.
    let chinese = likely(b"[{\"text\": \"\xba\xd3\xb4\xba\"}]").unwrap();
    assert_eq!((chinese.name, chinese.others), ("GBK", [Some("BIG5"), Some("EUC-KR")]));
    let said = chinese.to_string();
    assert!(
        said.starts_with("its bytes may be GBK or BIG5 or EUC-KR, which is a guess: --encoding GBK reads it"),
        "{said}"
    );
    assert!(said.ends_with("; look at some texts first"));
    let russian = likely(b"\xc2\xe7\xe1\xe5\xe9\xf2\xe5 \xff\xe9\xf6\xe0\n").unwrap();
    assert!(russian.name == "WINDOWS-1251" && russian.is_guess && russian.others[0].is_some(), "{russian}");
    let french = likely(b"caf\xe9\n").unwrap();
    assert_eq!((french.name, french.others, french.is_guess), ("WINDOWS-1252", [None; 2], true));
}

#[test]
fn what_is_certain_says_so_and_pages_of_dos_are_converted() {
    let french = likely(&b"La neige fond au caf\xe9, tr\xe8s t\xf4t.\n".repeat(10)).unwrap();
    assert_eq!(french.to_string(), "its bytes look like WINDOWS-1252: --encoding WINDOWS-1252 reads it");
    let dos = likely(&b"La neige fond au caf\x82, tr\x8as t\x93t.\n".repeat(10)).unwrap();
    assert!(dos.to_string().contains("iconv -f IBM850 -t UTF-8 OLD > NEW converts it"), "{dos}");
}

#[test]
fn every_name_but_those_of_dos_can_be_typed() {
    use crate::formats::encoding::TextEncoding;
    for (name, _) in texts() {
        assert_eq!(TextEncoding::named(name).is_ok(), name != "IBM850", "{name}");
    }
}

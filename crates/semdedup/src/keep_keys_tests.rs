#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn keys(typed: &str) -> KeepKeys {
    typed.parse().unwrap()
}

fn max(column: &str) -> KeepKey {
    KeepKey::Max(column.to_owned())
}

fn prefer(column: &str, values: &[&str]) -> KeepKey {
    KeepKey::Prefer {
        column: column.to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
    }
}

#[test]
fn a_word_alone_is_the_last_key_and_columns_alone_leave_ties_to_the_row_number() {
    for keep in Keep::ALL {
        assert_eq!(keys(keep.name()), keep.into());
    }
    assert_eq!(keys("max:quality"), KeepKeys::new([max("quality")], Keep::First).unwrap());
    assert_eq!(keys("longest"), KeepKeys::new([KeepKey::Longest], Keep::First).unwrap());
    assert_eq!(KeepKeys::default().to_string(), "hard");
}

#[test]
fn a_piece_is_a_value_of_the_preference_before_it_unless_it_begins_a_key() {
    let found = keys("prefer:source=wiki, books ,web,max:quality,min:meta.length,longest,hard");
    let wanted = [
        prefer("source", &["wiki", "books", "web"]),
        max("quality"),
        KeepKey::Min("meta.length".to_owned()),
        KeepKey::Longest,
    ];
    assert_eq!(found, KeepKeys::new(wanted, Keep::Hard).unwrap());
    // A word is a key even after values, so as a value it stands in quotes.
    let word = keys("prefer:level=easy,medium,hard");
    assert_eq!(word, KeepKeys::new([prefer("level", &["easy", "medium"])], Keep::Hard).unwrap());
    let value = keys("prefer:level=easy,medium,\"hard\"");
    assert_eq!(value, KeepKeys::new([prefer("level", &["easy", "medium", "hard"])], Keep::First).unwrap());
}

#[test]
fn quotes_hold_commas_equal_signs_quotes_and_what_begins_keys() {
    let found = keys(r#"prefer:"a=b,c"="x,y","say ""no""","max:z",max:"d,e""#);
    let wanted = [prefer("a=b,c", &["x,y", "say \"no\"", "max:z"]), max("d,e")];
    assert_eq!(found, KeepKeys::new(wanted, Keep::First).unwrap());
}

#[test]
fn nonsense_is_refused_in_one_line_that_names_it() {
    for (typed, problem) in [
        ("", "`` is no key"),
        ("quality", "`quality` is no key"),
        ("max:quality,", "`` is no key"),
        ("max:quality,wiki", "`wiki` is no key"),
        ("MAX:quality", "`MAX:quality` is no key"),
        ("max:", "`max:` names no column"),
        ("min:\"\"", "`min:` names no column"),
        ("prefer:source", "`prefer:source` names no values"),
        ("prefer:source=", "`prefer:source=` has an empty value"),
        ("prefer:source=wiki,,web", "`prefer:source=wiki,,web` has an empty value"),
        ("prefer:=wiki", "`prefer:=wiki` names no column"),
        ("prefer:source=wiki,web,wiki", "`prefer:source=wiki,web,wiki` names `wiki` twice"),
        ("max:a,min:a", "`min:a` decides nothing: `max:a` is before it"),
        ("longest,longest", "`longest` decides nothing"),
        ("first,max:a", "`max:a` comes after `first`"),
        ("hard,easy", "`easy` comes after `hard`"),
        ("max:a\"b", "has a quote that is not closed"),
        ("max:a\"b\"", "`a\"b\"` has a quote in the middle"),
        ("max:\"a\"b\"c\"", "has a quote in the middle"),
    ] {
        let error = typed.parse::<KeepKeys>().unwrap_err();
        assert!(error.to_string().contains(problem), "{typed}: {error}");
        assert!(error.hint_text().is_some() && !error.to_string().contains('\n'), "{typed}: {error}");
    }
}

/// Names and values with everything that the grammar gives a meaning.
fn item() -> impl Strategy<Value = String> {
    let words = ["hard", "first", "longest", "max:a", "prefer:b=c", " a ", "\"", "a=b", "a,b", "ü"];
    prop_oneof![
        proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        proptest::collection::vec(proptest::sample::select(vec!['a', ',', '"', '=', ':', ' ']), 1..6)
            .prop_map(String::from_iter),
    ]
}

proptest! {
    #[test]
    fn what_is_printed_is_read_as_the_same_keys(
        columns in proptest::collection::btree_set(item(), 0..4),
        values in proptest::collection::btree_set(item(), 1..4),
        kind in any::<u64>(),
        last in proptest::sample::select(Keep::ALL.to_vec()),
    ) {
        let key = |(place, column): (usize, String)| match kind >> (2 * place) & 3 {
            0 => KeepKey::Min(column),
            1 => KeepKey::Max(column),
            _ => KeepKey::Prefer { column, values: values.iter().cloned().collect() },
        };
        let wanted = KeepKeys::new(columns.into_iter().enumerate().map(key), last).unwrap();
        prop_assert_eq!(wanted.to_string().parse::<KeepKeys>().unwrap(), wanted);
    }
}

//! Marks of Markdown and HTML.

use super::*;

#[test]
fn the_lists_are_sorted() {
    assert!(ELEMENTS.is_sorted() && ATTRIBUTES.is_sorted());
}

#[test]
fn tags_are_those_that_show_and_what_they_name_stays() {
    for (text, bytes) in [
        ("<b>x", 3),
        ("</p>", 4),
        ("<br/>", 5),
        ("<br />x", 6),
        ("<p class=\"big\" id=a>", 20),
        ("<div style='x: y'>", 18),
        ("<span data-x=\"1\">", 17),
    ] {
        assert_eq!(tag_at(text, false), Some(Tag { bytes, values: Vec::new() }), "{text}");
    }
    let link = tag_at("<a href=\"http://x.org\" class=c>here", false).expect("a tag");
    assert_eq!(link.values, ["http://x.org"]);
    for text in [
        "<b and c> d",
        "< b>",
        "<b",
        "<b <i>",
        "<sup>",
        "<del>",
        "<bb>",
        "<>",
        "<p class>",
        "<p a=\"x>",
        "a<b",
        "",
        "<!-- b -->",
        "<b=c>",
    ] {
        assert_eq!(tag_at(text, false), None, "{text}");
    }
    assert_eq!(tag_at("<b>", true), None);
    assert!(tag_at("</b>", true).is_some() && tag_at("<br>", true).is_some());
}

#[test]
fn entities_are_characters() {
    for (text, found) in [
        ("&amp; b", Some(('&', 5))),
        ("&#39;s", Some(('\'', 5))),
        ("&#x27;", Some(('\'', 6))),
        ("&nbsp;", Some((' ', 6))),
        ("& b;", None),
        ("&#;", None),
        ("&#xffffff;", None),
        ("&#99999999999;", None),
        ("&eacute;", None),
        ("&", None),
    ] {
        assert_eq!(entity_at(text), found, "{text}");
    }
}

#[test]
fn lines_begin_with_marks() {
    for (line, marks) in [
        ("# title", 1),
        ("###### title", 6),
        ("####### title", 0),
        ("#tag", 0),
        ("- item", 2),
        ("-5 degrees", 0),
        ("> > quoted", 4),
        (">5", 0),
        ("> - # all", 5),
        ("---", 3),
        ("|---|:--:|", 10),
        ("=== ===", 7),
        ("--", 0),
        ("", 0),
        ("word", 0),
    ] {
        assert_eq!(marks_before(line), marks, "{line}");
    }
}

#[test]
fn asterisks_are_marks_where_they_come_in_pairs() {
    let characters = Characters::new();
    for line in ["**bold** and *thin*", "(*x*)", "*a b*", "**note:** x", "2 * 3", "2*3", "no", ""] {
        assert!(asterisks_are_marks(line, &characters), "{line}");
    }
    for line in ["*p = 1", "char *a, *b", "5* hotel", "note*"] {
        assert!(!asterisks_are_marks(line, &characters), "{line}");
    }
}

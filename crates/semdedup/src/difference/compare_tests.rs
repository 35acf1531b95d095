//! Differences between hand-made texts, properties of all differences, and hostile texts.

use proptest::prelude::*;

use super::super::kind::DifferenceKind::{self, *};
use super::*;

/// Returns what differs, after looking from both sides.
fn of(one: &str, other: &str) -> Difference {
    let found = difference(one, other);
    assert_eq!(found, difference(other, one), "{one:?} / {other:?}");
    found
}

fn check(kind: DifferenceKind, pairs: &[(&str, &str)]) {
    for (one, other) in pairs {
        assert_eq!(of(one, other).kind, kind, "{one:?} / {other:?}");
    }
}

#[test]
fn formatting_is_case_space_punctuation_form_and_marks() {
    check(None, &[("", ""), ("a b", "a b"), ("日本", "日本")]);
    check(
        Formatting,
        &[
            ("The cat sat.", "the CAT  sat\n"),
            ("Well-known, isn't it?", "well known isn\u{2019}t it"),
            ("café", "CAFE\u{301}"),
            ("Ｔｏｋｙｏ ２０２０", "Tokyo 2020"),
            ("STRASSE", "Straße"),
            ("İSTANBUL değil", "istanbul DEĞİL"),
            ("Привет, мир!", "ПРИВЕТ МИР"),
            ("你好，世界。", "你好 世界"),
            ("東京は、首都です。", "東京は首都です"),
            ("สวัสดี ครับ", "สวัสดีครับ"),
            ("안녕하세요!", "안녕하세요"),
            ("مرحبا، بالعالم", "مرحبا بالعالم"),
            ("٣ كتب", "3 كتب"),
            ("नमस्ते।", "नमस्ते"),
            ("soft\u{ad}ware", "software"),
            ("I do not know", "I don't know"),
            ("I cannot", "I can't"),
            ("", " . "),
            ("5kg", "5 kg"),
            ("1,234,567.5", "1234567.5"),
        ],
    );
    check(
        Formatting,
        &[
            ("# Title\n\n- one\n- two", "Title\none two"),
            ("**Note:** use `ls` and *grep*", "Note: use ls and grep"),
            ("> quoted\n> text", "quoted text"),
            ("Title\n=====\ntext", "Title text"),
            ("| a | b |\n|---|---|\n| c | d |", "a b c d"),
            ("<p class=\"x\">Hello <b>world</b><br/></p>", "Hello world"),
            ("Tom &amp; Ann&#39;s", "Tom & Ann's"),
            ("don&#39;t", "don't"),
            ("~~~\ncode\n~~~", "code"),
        ],
    );
}

#[test]
fn numbers_are_digits_of_any_script_with_signs_and_decimals() {
    check(
        Numbers,
        &[
            ("Pay 100 dollars.", "Pay 900 dollars."),
            ("It is -5 degrees", "it is 5 degrees"),
            ("It is −5 degrees", "it is +5 degrees"),
            ("3.14", "314"),
            ("on 2021-05-03 at 12:30", "on 2021-05-04 at 12:30"),
            ("from 3 to 5", "from 5 to 3"),
            ("chapter 3", "Chapter"),
            ("1,000 men", "1000 men"),
            ("x²", "x2"),
            ("10⁵ cells", "105 cells"),
            ("½ cup", "12 cup"),
            ("the 1st of May", "the 2nd of May"),
            ("win32", "win64"),
            ("٣ كتب", "٤ كتب"),
            ("अध्याय २", "अध्याय ३"),
            ("第三章", "第四章"),
            ("บทที่ ๓", "บทที่ ๔"),
            ("价格是5元", "价格是50元"),
            ("No. 5 wins", "No. 6 wins"),
            ("", "12"),
            (".5 l", "5 l"),
            ("-$5", "$5"),
            ("1/2", "1.2"),
        ],
    );
    let found = of("The price is 5 euros.", "The price of it is 6 euros.");
    assert_eq!((found.kind, found.numbers, found.negation), (Wording, true, false));
}

#[test]
fn negations_are_words_that_deny_what_the_rest_says() {
    check(
        Negation,
        &[
            ("The vaccine is safe.", "The vaccine is not safe."),
            ("The vaccine isn't safe", "the vaccine is safe"),
            ("I like it", "I don't like it"),
            ("I do like it", "I do not like it"),
            ("I can see", "I cannot see"),
            ("We will go", "We won't go"),
            ("They did it", "They didn't it"),
            ("coffee with milk, without sugar", "coffee with milk, sugar"),
            ("coffee w/o sugar", "coffee sugar"),
            ("Das ist gut", "Das ist nicht gut"),
            ("Il est malade", "Il n\u{2019}est pas malade"),
            ("Je le sais", "Je ne le sais pas"),
            ("Lo sabe", "No lo sabe"),
            ("È vero", "Non è vero"),
            ("É verdade", "Não é verdade"),
            ("Het is waar", "Het is niet waar"),
            ("Det är sant", "Det är inte sant"),
            ("To jest prawda", "To nie jest prawda"),
            ("Он дома", "Он не дома"),
            ("Це правда", "Це не правда"),
            ("Είναι εδώ", "Δεν είναι εδώ"),
            ("Bu doğru", "Bu doğru DEĞİL"),
            ("这是真的", "这不是真的"),
            ("他有来", "他没有来"),
            ("食べます", "食べません"),
            ("行きました。", "行きませんでした。"),
            ("갑니다", "안 갑니다"),
            ("هذا صحيح", "هذا غير صحيح"),
            ("זה נכון", "זה לא נכון"),
            ("यह सच है", "यह सच नहीं है"),
            ("เขาไป", "เขาไม่ไป"),
            ("Anh ấy đi", "Anh ấy không đi"),
            ("Dia datang", "Dia tidak datang"),
            ("if (ready)", "if (!ready)"),
            ("if (a = b)", "if (a != b)"),
            ("Not all are", "All are not"),
        ],
    );
    let both = of("Take 5 drops.", "Do not take 6 drops.");
    assert_eq!((both.kind, both.numbers, both.negation), (Negation, true, true));
    assert_eq!(both.to_string(), "negation, numbers");
    let more = of("The vaccine is safe.", "The vaccine is certainly not safe.");
    assert_eq!((more.kind, more.numbers, more.negation), (Containment, false, true));
}

#[test]
fn what_only_looks_like_a_negation_is_none() {
    for (one, other) in [
        ("это № 5", "это 5"),
        ("No. 5", "5"),
        ("这很好", "这非常好"),
        ("rock'n'roll", "rock roll"),
        ("Wow! Great", "Wow, so great"),
        ("3. Mai", "3. Juni"),
    ] {
        assert!(!of(one, other).negation, "{one} / {other}");
    }
}

#[test]
fn the_same_words_are_another_order_and_more_words_contain_a_text() {
    check(
        Order,
        &[
            ("The dog bites the man.", "The man bites the dog."),
            ("a b c", "c b a"),
            ("狗咬人", "人咬狗"),
            ("Собака кусает человека", "Человека кусает собака"),
            ("no dog bites 5 men", "men no dog 5 bites"),
        ],
    );
    check(
        Containment,
        &[
            ("The cat sat.", "The cat sat. It slept."),
            ("It slept.", "The cat sat. It slept."),
            ("The cat sat on the mat", "The big cat sat on the old mat"),
            ("", "text"),
            ("今天好", "今天天气很好"),
            ("The price is 5.", "The price is 5. Call 0800."),
            ("see [here](http://x.org/a)", "see here"),
            ("<a href=\"http://x.org\">here</a>", "here"),
            ("5%", "5"),
            ("C#", "C"),
            ("a - b", "a b"),
            ("10⁻⁵", "10 ⁵"),
            ("Great 😀", "Great"),
            ("*p = 1", "p = 1"),
            ("!the image", "the image"),
        ],
    );
}

#[test]
fn anything_else_is_wording() {
    check(
        Wording,
        &[
            ("A cat", "A dog"),
            ("resume", "résumé"),
            ("🙂", "🙁"),
            ("👍🏻", "👍🏿"),
            ("$5", "€5"),
            ("a < b", "a > b"),
            ("2 + 3", "2 - 3"),
            ("a/b", "a-b"),
            ("a && b", "a || b"),
            ("its", "it's"),
            ("他吃饭", "他喝水"),
            ("The dog of 3 bites the man", "The man of 4 bites the dog"),
            ("<a href=x>here</a>", "<a href=y>here</a>"),
            ("x<sup>2</sup>", "x<sub>2</sub>"),
            ("sıkıldım", "sikildim"),
        ],
    );
    // The other price is not in the longer text.
    let found = of("The price is 5.", "The price is 6. Call now.");
    assert_eq!((found.kind, found.numbers), (Wording, true));
}

#[test]
fn hostile_texts_have_a_kind_and_take_time_in_proportion() {
    let long = |piece: &str| piece.repeat((1 << 17) / piece.len());
    for piece in [
        "a",
        " ",
        "\n",
        "<",
        "<a ",
        "<a b=\"",
        "&",
        "&#",
        "*",
        "**a",
        "#",
        "# #",
        "1",
        "1,",
        "1.",
        "-",
        "- ",
        "> ",
        "!",
        "\u{301}",
        "e\u{301}",
        "\u{200b}",
        "不",
        "ません",
        "字",
        "ไม่",
        "\u{202e}א",
        "\u{0}",
        "'",
        "n't ",
        "no. ",
        "/",
        ".",
        "|",
        "~",
        "^",
        "\u{fdfa}",
        "🏽",
        "\u{e0067}",
        "ｶﾞ",
        "\u{1160}",
        "1\u{20e3}",
    ] {
        let text = long(piece);
        assert_eq!(of(&text, &text).kind, None, "{piece:?}");
        let more = format!("{text} word");
        assert!(of(&text, &more).kind > None, "{piece:?}");
    }
    let words: Vec<String> = (0..30_000).map(|number| format!("word{}", number % 977)).collect();
    let (text, back) = (words.join(" "), words.iter().rev().cloned().collect::<Vec<_>>().join(" "));
    assert_eq!(of(&text, &text.to_uppercase()).kind, Formatting);
    assert_eq!(of(&text, &back).kind, Numbers);
    assert_eq!(of(&text, &text.replacen("word500 ", "", 1)).kind, Containment);
    assert_eq!(of(&text, &text.replacen("word500 ", "new ", 1)).kind, Wording);
}

/// Words without numbers and negations, in several scripts.
const WORDS: [&str; 16] = [
    "cat",
    "dog",
    "Über",
    "café",
    "naïve",
    "Привет",
    "мир",
    "γάτα",
    "سلام",
    "שלום",
    "नमस्ते",
    "漢字",
    "かな",
    "สวัสดี",
    "한국어",
    "the",
];

fn words() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(WORDS.as_slice()), 0..20)
}

/// Texts of characters that mean something, and of any others.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-c0-2 .,*#<>/&!;'\"\n=^|~+()-]{0,40}",
        "(no |not |n't|do |don't |[0-9.,-]{1,4}|<b>|</b>|ません|ます|不|\\*\\*|w/o |&amp;|\n| |[a-z]){0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: Option::None, ..ProptestConfig::default() })]

    #[test]
    fn any_two_texts_differ_the_same_from_both_sides(one in texts(), other in texts()) {
        prop_assert_eq!(difference(&one, &other), difference(&other, &one));
        prop_assert_eq!(difference(&one, &one).kind, None);
        prop_assert_eq!(one == other, difference(&one, &other).kind == None);
    }

    #[test]
    fn words_in_another_order_are_the_same_words(
        (words, shuffled) in words().prop_flat_map(|words| (Just(words.clone()), Just(words).prop_shuffle()))
    ) {
        let [one, other] = [words, shuffled].map(|words| words.join(" "));
        prop_assert!(matches!(difference(&one, &other).kind, None | Formatting | Order), "{} / {}", one, other);
    }

    #[test]
    fn words_that_are_added_contain_the_text(all in words(), chosen in any::<u32>()) {
        let some: Vec<&str> =
            all.iter().enumerate().filter(|(place, _)| chosen >> place & 1 == 1).map(|(_, word)| *word).collect();
        let expected = if some.len() == all.len() { None } else { Containment };
        prop_assert_eq!(difference(&some.join(" "), &all.join(" ")).kind, expected);
    }

    #[test]
    fn a_changed_digit_is_another_number(
        beside in prop::array::uniform2("[a-zA-Z0-9é字 .,:/-]{0,15}"),
        digits in prop::array::uniform2(0..10u8)
    ) {
        let [one, other] = digits.map(|digit| format!("{}{digit}{}", beside[0], beside[1]));
        let expected = if digits[0] == digits[1] { None } else { Numbers };
        prop_assert_eq!(difference(&one, &other).kind, expected, "{} / {}", one, other);
    }

    #[test]
    fn case_and_space_are_formatting(text in "[\\p{Latin}\\p{Greek}\\p{Cyrillic}0-9 ,;:()\"]{0,30}", spaces in 1..4usize) {
        // A dotless i is another letter than i, and its capital is not.
        prop_assume!(!text.contains(['ı', 'İ']));
        let changed = text.to_uppercase().replace(' ', &" ".repeat(spaces));
        prop_assert!(difference(&text, &changed).kind <= Formatting, "{:?} {:?}", text, changed);
        let changed = text.replace(' ', "\n");
        prop_assert!(difference(&text, &changed).kind <= Formatting, "{:?} {:?}", text, changed);
    }

    #[test]
    fn a_word_that_negates_is_the_only_difference(words in words(), place in any::<prop::sample::Index>(), negation in prop::sample::select(vec!["not", "nicht", "jamais", "не", "لا", "नहीं", "不", "ไม่"])) {
        let mut negated = words.clone();
        negated.insert(place.index(words.len() + 1), negation);
        let found = difference(&words.join(" "), &negated.join(" "));
        prop_assert_eq!((found.kind, found.numbers, found.negation), (Negation, false, true));
    }
}

//! English words in which a negation is contracted: `don't`, `cannot`, `dont`.

/// Returns the word before `n't`: `do` of `don`, `will` of `won`.
pub(super) fn before_nt(word: &str) -> Option<&str> {
    match word {
        "can" => Some("can"),
        "won" => Some("will"),
        "shan" => Some("shall"),
        "ain" | "aren" | "couldn" | "daren" | "didn" | "doesn" | "don" | "hadn" | "hasn" | "haven"
        | "isn" | "mayn" | "mightn" | "mustn" | "needn" | "oughtn" | "shouldn" | "wasn" | "weren"
        | "wouldn" => word.strip_suffix('n'),
        _ => None,
    }
}

/// Returns the word that `not` follows, of a word that is written without an apostrophe. `cant` and
/// `wont` are left out, because they are words of their own.
pub(super) fn joined(word: &str) -> Option<&str> {
    if word == "cannot" {
        return Some("can");
    }
    let before = word.strip_suffix('t').filter(|word| word.ends_with('n'))?;
    if matches!(before, "can" | "won" | "shan" | "ain" | "daren" | "mayn" | "mightn" | "oughtn") {
        return None;
    }
    before_nt(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contractions_are_the_words_that_they_stand_for() {
        for (word, before) in
            [("don", "do"), ("can", "can"), ("won", "will"), ("shan", "shall"), ("weren", "were"), ("is", "")]
        {
            assert_eq!(before_nt(word).unwrap_or_default(), before, "{word}");
        }
        for (word, before) in
            [("cannot", "can"), ("dont", "do"), ("isnt", "is"), ("cant", ""), ("wont", ""), ("want", "")]
        {
            assert_eq!(joined(word).unwrap_or_default(), before, "{word}");
        }
    }
}

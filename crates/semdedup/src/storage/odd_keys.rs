//! Sets aside the keys of a list that no path can have, such as `a//b`. The client of a store fails
//! for the whole list where it meets one of them.

use std::cell::RefCell;
use std::future::Future;

use object_store::path::Path as Key;

tokio::task_local! {
    /// The keys that the list of this task had and that were taken out of it.
    static ODD: RefCell<Vec<String>>;
}

/// The elements of an object in the lists of S3 and Google, and of Azure, each with that of its key.
const ELEMENTS: [(&str, &str); 2] = [("Contents", "Key"), ("Blob", "Name")];

/// Lists objects without the keys that no path can have; returns these too.
pub(super) async fn collecting<T>(list: impl Future<Output = T>) -> (T, Vec<String>) {
    let all = async move {
        let listed = list.await;
        (listed, ODD.with(RefCell::take))
    };
    ODD.scope(RefCell::default(), all).await
}

/// Takes the objects whose keys no path can have out of the answer of a store, and sets their keys
/// aside. Does nothing outside [`collecting`].
#[cfg_attr(not(feature = "cloud"), allow(dead_code, reason = "there is no store without it"))]
pub(super) fn taken_out(answer: &str) -> Option<String> {
    let (mut odd, mut rest) = (Vec::new(), answer.to_owned());
    for (object, key) in ELEMENTS {
        rest = without_odd(&rest, object, key, &mut odd);
    }
    let is_collecting = ODD.try_with(|keys| keys.borrow_mut().extend(odd)).is_ok();
    is_collecting.then_some(rest)
}

fn without_odd(answer: &str, object: &str, key: &str, odd: &mut Vec<String>) -> String {
    let (start, end) = (format!("<{object}>"), format!("</{object}>"));
    let (mut kept, mut rest) = (String::with_capacity(answer.len()), answer);
    while let Some(from) = rest.find(&start)
        && let Some(to) = rest[from..].find(&end).map(|place| from + place + end.len())
    {
        let key = text_of(&rest[from..to], key).filter(|key| Key::parse(key).is_err());
        kept.push_str(&rest[..if key.is_some() { from } else { to }]);
        odd.extend(key);
        rest = &rest[to..];
    }
    kept + rest
}

/// Returns the text of the first element of this name. An entity that is not known leaves the key to
/// the client.
fn text_of(xml: &str, element: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{element}>"))?;
    let (text, _) = rest.split_once(&format!("</{element}>"))?;
    let mut parts = text.split('&');
    let mut plain = parts.next()?.to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';')?;
        plain.push(character(entity)?);
        plain.push_str(rest);
    }
    Some(plain)
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::client::wait;

    #[test]
    fn objects_with_keys_that_no_path_can_have_are_taken_out_of_a_list_and_named() {
        let object = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
        let blob = |key: &str| format!("<Blob><Name>{key}</Name><Properties/></Blob>");
        let fine = [object("a/b"), object("a/&lt;b&amp;c/"), blob("x y"), object("&odd;//b")].concat();
        let odd = [object("a//b"), object("x&#47;&#x2F;y"), blob("../z")].concat();
        let answer = format!("<List>{odd}{fine}</List>");
        let ((rest, keys), outside) = wait(async move {
            let inside = answer.clone();
            (collecting(async move { taken_out(&inside) }).await, taken_out(&answer))
        })
        .unwrap();
        assert_eq!(rest.unwrap(), format!("<List>{fine}</List>"));
        assert_eq!(keys, ["a//b", "x//y", "../z"]);
        assert_eq!(outside, None);
    }
}

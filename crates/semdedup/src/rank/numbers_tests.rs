#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn numbers(values: &[Value]) -> Numbers {
    let mut numbers = Numbers::default();
    values.iter().for_each(|value| numbers.push(*value).unwrap());
    numbers
}

/// The rows in the order of their numbers, rows of equal numbers together.
fn order(values: &[Value], first: Direction) -> Vec<Vec<usize>> {
    let numbers = numbers(values).finish(first);
    let mut rows: Vec<usize> = (0..values.len()).collect();
    rows.sort_by_key(|&row| numbers[row]);
    rows.chunk_by(|a, b| numbers[*a] == numbers[*b]).map(<[usize]>::to_vec).collect()
}

#[test]
fn rows_without_a_value_come_last_in_both_directions_and_are_counted() {
    let values = [Value::Missing, Value::Whole(i64::MAX - 1), Value::Whole(i64::MIN + 1), Value::Missing];
    assert_eq!(order(&values, Direction::Min), [vec![2], vec![1], vec![0, 3]]);
    assert_eq!(order(&values, Direction::Max), [vec![1], vec![2], vec![0, 3]]);
    assert_eq!(numbers(&values).missing(), 2);
    let values = [Value::Missing, Value::Real(f64::INFINITY), Value::Real(f64::NEG_INFINITY)];
    assert_eq!(order(&values, Direction::Min), [[2], [1], [0]]);
    assert_eq!(order(&values, Direction::Max), [[1], [2], [0]]);
    let values = [Value::Time(i64::MAX), Value::Missing, Value::Time(i64::MIN)];
    assert_eq!(order(&values, Direction::Max), [[0], [2], [1]]);
    let values = [Value::Truth(false), Value::Missing, Value::Truth(true)];
    assert_eq!(order(&values, Direction::Max), [[2], [0], [1]]);
}

#[test]
fn minus_zero_is_zero_and_whole_numbers_are_exact_as_long_as_all_are_whole() {
    let zeros = [Value::Real(0.0), Value::Real(-0.0), Value::Whole(0)];
    assert_eq!(order(&zeros, Direction::Min), [[0, 1, 2]]);
    let ids = [Value::Whole((1 << 60) + 1), Value::Whole(1 << 60)];
    assert_eq!(order(&ids, Direction::Min), [[1], [0]]);
    // Beside other numbers they are as exact as f64.
    let mixed = [ids[0], ids[1], Value::Real(0.5), Value::Whole(i64::MIN), Value::Whole(3)];
    assert_eq!(order(&mixed, Direction::Min), [vec![3], vec![2], vec![4], vec![0, 1]]);
}

#[test]
fn strings_are_in_the_order_of_their_code_points_whatever_comes_first() {
    let values = ["b", "a", "B", "ä", "a", "aa"].map(Value::Text);
    assert_eq!(order(&values, Direction::Min), [vec![2], vec![1, 4], vec![5], vec![0], vec![3]]);
    assert_eq!(order(&values, Direction::Max), [vec![3], vec![0], vec![5], vec![1, 4], vec![2]]);
}

#[test]
fn values_of_two_kinds_are_refused_whichever_comes_first() {
    let kinds = [Value::Whole(1), Value::Truth(true), Value::Time(5), Value::Text("x")];
    for first in kinds {
        for second in kinds.into_iter().filter(|second| *second != first) {
            let problem = numbers(&[Value::Missing, first]).push(second).unwrap_err();
            assert!(problem.starts_with("is ") && problem.contains("the first value is a "), "{problem}");
        }
    }
    let problem = numbers(&[Value::Real(0.5)]).push(Value::Text("n/a")).unwrap_err();
    assert_eq!(problem, "is `n/a`, a string, and the first value is a number");
}

#[test]
fn more_strings_than_categories_have_are_refused() {
    let mut many = Numbers::default();
    let long = "x".repeat(1 << 20);
    for number in 0..MOST_TEXT_BYTES >> 20 {
        many.push(Value::Text(&format!("{number}{long}")[..1 << 20])).unwrap();
    }
    // One that is there already takes no room.
    many.push(Value::Text(&format!("0{long}")[..1 << 20])).unwrap();
    assert!(many.push(Value::Text("one more")).unwrap_err().contains("64 MiB"));
}

/// A number, often one that is near another.
fn number() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        (-3i64..4).prop_map(Value::Whole),
        any::<i32>().prop_map(|number| Value::Whole(number.into())),
        (-6i32..7).prop_map(|number| Value::Real(f64::from(number) / 2.0)),
        any::<f64>().prop_filter("a number", |number| !number.is_nan()).prop_map(Value::Real),
        Just(Value::Missing),
    ]
}

proptest! {
    #[test]
    fn numbers_of_both_types_are_in_the_order_of_their_values(
        values in proptest::collection::vec(number(), 1..40),
    ) {
        // Whole numbers of 32 bits are exact as f64.
        let real = |value: &Value| match *value {
            Value::Whole(number) => Some(number as f64),
            Value::Real(number) => Some(number),
            _ => None,
        };
        for (first, sign) in [(Direction::Min, 1.0), (Direction::Max, -1.0)] {
            let found = numbers(&values).finish(first);
            for (a, number_a) in values.iter().zip(&found) {
                for (b, number_b) in values.iter().zip(&found) {
                    let expected = match (real(a), real(b)) {
                        (Some(a), Some(b)) => (sign * a).partial_cmp(&(sign * b)).unwrap(),
                        (a, b) => a.is_none().cmp(&b.is_none()),
                    };
                    prop_assert_eq!(number_a.cmp(number_b), expected, "{:?} {:?}", a, b);
                }
            }
        }
    }
}

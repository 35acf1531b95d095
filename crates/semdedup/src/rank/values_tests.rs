#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow_array::*;
use arrow_schema::Field;

use super::*;

fn typed(values: impl Array + 'static) -> IdPart {
    IdPart { source: IdSource::Typed, values: Arc::new(values) }
}

fn json(tokens: &[Option<&str>]) -> IdPart {
    IdPart { source: IdSource::Json, values: Arc::new(tokens.iter().collect::<StringArray>()) }
}

/// The values, printed.
fn values(column: &IdPart) -> Vec<String> {
    let mut values = Vec::new();
    each_value(column, &mut |value| {
        values.push(format!("{value:?}"));
        Ok(())
    })
    .unwrap();
    values
}

fn texts(column: &IdPart) -> Vec<Option<String>> {
    let mut texts = Vec::new();
    each_text(column, &mut |text| {
        texts.push(text.map(str::to_owned));
        Ok(())
    })
    .unwrap();
    texts
}

#[test]
fn a_text_counts_as_the_number_boolean_or_date_that_it_is_written_as() {
    for (text, value) in [
        ("", Value::Missing),
        ("  ", Value::Missing),
        ("NaN", Value::Missing),
        ("-nan", Value::Missing),
        ("12", Value::Whole(12)),
        (" -7 ", Value::Whole(-7)),
        ("9223372036854775807", Value::Whole(i64::MAX)),
        ("9223372036854775808", Value::Real(9_223_372_036_854_775_808.0)),
        ("1e3", Value::Real(1000.0)),
        ("-0.0", Value::Real(-0.0)),
        ("Infinity", Value::Real(f64::INFINITY)),
        ("True", Value::Truth(true)),
        ("FALSE", Value::Truth(false)),
        ("1970-01-02", Value::Time(86_400_000_000)),
        ("1970-01-01T00:00:01Z", Value::Time(1_000_000)),
        ("1970-01-01 01:00:01.5+01:00", Value::Time(1_500_000)),
        ("1969-12-31T23:59:59.999999Z", Value::Time(-1)),
        ("2024-02-30", Value::Text("2024-02-30")),
        ("wiki", Value::Text("wiki")),
        ("1,5", Value::Text("1,5")),
        ("ü024-01-01", Value::Text("ü024-01-01")),
    ] {
        assert_eq!(Value::of_text(text), value, "{text}");
    }
}

#[test]
fn a_column_of_any_format_has_the_same_values() {
    let numbers = ["Whole(3)", "Missing", "Whole(-2)"];
    assert_eq!(values(&typed(Int8Array::from(vec![Some(3), None, Some(-2)]))), numbers);
    assert_eq!(values(&typed(StringArray::from(vec![Some("3"), Some(""), Some("-2")]))), numbers);
    assert_eq!(values(&json(&[Some("3"), None, Some("\"-2\"")])), numbers);
    let real = ["Real(0.5)", "Missing", "Missing"];
    assert_eq!(values(&typed(Float32Array::from(vec![Some(0.5), None, Some(f32::NAN)]))), real);
    assert_eq!(values(&json(&[Some("0.5"), None, Some("\"NaN\"")])), real);
    let decimals = Decimal128Array::from(vec![50, -125]).with_precision_and_scale(10, 2).unwrap();
    assert_eq!(values(&typed(decimals)), ["Real(0.5)", "Real(-1.25)"]);
    assert_eq!(
        values(&typed(UInt64Array::from(vec![7, u64::MAX]))),
        ["Whole(7)", "Real(1.8446744073709552e19)"]
    );
    assert_eq!(values(&typed(BooleanArray::from(vec![true]))), values(&json(&[Some("true")])));
    assert_eq!(values(&typed(NullArray::new(2))), ["Missing", "Missing"]);
    let categories: DictionaryArray<types::Int8Type> = vec!["b", "a", "b"].into_iter().collect();
    assert_eq!(values(&typed(categories)), values(&json(&[Some("\"b\""), Some("\"a\""), Some("\"b\"")])));
    assert_eq!(values(&json(&[Some(r#""a\u0062""#)])), [r#"Text("ab")"#]);
}

#[test]
fn dates_and_times_of_any_unit_are_microseconds_in_utc() {
    let second = ["Time(1000000)", "Missing"];
    let times =
        |array: &dyn Array| values(&IdPart { source: IdSource::Typed, values: make_array(array.to_data()) });
    assert_eq!(times(&TimestampSecondArray::from(vec![Some(1), None])), second);
    assert_eq!(times(&TimestampMillisecondArray::from(vec![Some(1000), None])), second);
    assert_eq!(times(&TimestampMicrosecondArray::from(vec![Some(1_000_000), None])), second);
    assert_eq!(times(&TimestampNanosecondArray::from(vec![Some(1_000_000_999), None])), second);
    assert_eq!(times(&TimestampSecondArray::from(vec![Some(1), None]).with_timezone("+05:00")), second);
    assert_eq!(times(&Date64Array::from(vec![Some(1000), None])), second);
    assert_eq!(times(&Date32Array::from(vec![-1])), ["Time(-86400000000)"]);
    assert_eq!(times(&TimestampNanosecondArray::from(vec![-1])), ["Time(-1)"]);
}

#[test]
fn lists_objects_and_bytes_have_no_order() {
    let take = &mut |_: Value<'_>| Ok(());
    let list = ListArray::from_iter_primitive::<types::Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let field = Arc::new(Field::new("a", DataType::Int32, true));
    let object = StructArray::from(vec![(field, Arc::new(Int32Array::from(vec![1])) as ArrayRef)]);
    for column in [typed(list), typed(object), typed(BinaryArray::from(vec![&b"a"[..]]))] {
        assert!(each_value(&column, take).unwrap_err().problem.contains("has no order"));
        assert!(each_text(&column, &mut |_| Ok(())).unwrap_err().problem.contains("has no order"));
    }
    for (token, kind) in [("[1]", "a list"), ("{\"a\": 1}", "an object")] {
        let wrong = each_value(&json(&[Some("1"), Some(token)]), take).unwrap_err();
        assert_eq!((wrong.row, wrong.problem), (1, format!("is {kind}, which has no order")));
    }
}

#[test]
fn a_refused_value_is_told_with_its_row() {
    for column in
        [typed(StringArray::from(vec!["1", "2", "x"])), json(&[Some("1"), Some("2"), Some("\"x\"")])]
    {
        let refuse = &mut |value: Value<'_>| match value {
            Value::Text(_) => Err("no".to_owned()),
            _ => Ok(()),
        };
        assert_eq!(each_value(&column, refuse), Err(Unordered { row: 2, problem: "no".to_owned() }));
    }
}

#[test]
fn values_as_texts_are_those_that_a_user_can_type() {
    let expected = [Some("wiki".to_owned()), None, Some("5".to_owned())];
    assert_eq!(texts(&json(&[Some("\"wiki\""), None, Some("5")])), expected);
    assert_eq!(texts(&typed(StringArray::from(vec![Some("wiki"), None, Some("5")]))), expected);
    assert_eq!(texts(&json(&[Some("\"\""), Some("true")])), [None, Some("true".to_owned())]);
    assert_eq!(texts(&typed(BooleanArray::from(vec![true]))), [Some("true".to_owned())]);
    let zone = TimestampSecondArray::from(vec![0]).with_timezone("Europe/Berlin");
    assert_eq!(texts(&typed(zone)), [Some("1970-01-01T00:00:00Z".to_owned())]);
}

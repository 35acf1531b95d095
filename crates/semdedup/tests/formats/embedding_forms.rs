//! Columns of embeddings that are not lists: strings, bytes, and `.npy` members of shards.

use std::sync::Arc;

use arrow_array::*;
use arrow_ipc::writer::FileWriter;
use arrow_schema::DataType;
use half::{bf16, f16};
use parquet::arrow::ArrowWriter;
use semdedup::formats::{ColumnChoice, Columns, EmbeddingForm, FloatType, InputFile, ReadLimits, Reader};

use crate::support::*;

fn wanted(name: &str) -> ColumnChoice {
    ColumnChoice { embedding: Some(name.into()), text_optional: true, ..ColumnChoice::default() }
}

fn typed(name: &str, float: FloatType) -> ColumnChoice {
    ColumnChoice { embedding_type: Some(float), ..wanted(name) }
}

/// Returns the columns as Parquet and as Arrow.
fn tables(columns: Vec<(&str, ArrayRef)>) -> [Input; 2] {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut parquet = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    parquet.write(&batch).unwrap();
    let mut arrow = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    arrow.write(&batch).unwrap();
    arrow.finish().unwrap();
    [
        raw_input("a.parquet", &parquet.into_inner().unwrap()),
        raw_input("a.arrow", &arrow.into_inner().unwrap()),
    ]
}

/// The embeddings of a file from a row on, and the reasons of its bad rows.
fn read_vectors(file: &InputFile, columns: &Columns, first: u64) -> (Vec<Vec<f32>>, Vec<(u64, String)>) {
    let mut reader = Reader::open(file, columns, &ReadLimits::default(), first).unwrap();
    let (mut vectors, mut bad) = (Vec::new(), Vec::new());
    while let Some(chunk) = reader.next_chunk().unwrap() {
        let rows = chunk.parse(columns).unwrap();
        vectors.extend(rows.vectors.unwrap().rows().map(<[f32]>::to_vec));
        bad.extend(rows.bad.into_iter().map(|bad| (bad.row, bad.reason)));
    }
    (vectors, bad)
}

fn expect(file: &InputFile, choice: &ColumnChoice, form: EmbeddingForm, expected: &[&[f32]]) {
    let columns = resolve_one(file, choice).unwrap();
    assert_eq!(columns.embedding_form, form, "{}", file.name);
    assert_eq!(read_vectors(file, &columns, 0), (expected.iter().map(|row| row.to_vec()).collect(), vec![]));
}

#[track_caller]
fn refused(file: &InputFile, choice: &ColumnChoice, problem: &str, hint: &str) {
    let error = resolve_one(file, choice).unwrap_err();
    let hinted = error.hint_text().unwrap_or_default();
    assert!(error.to_string().contains(problem) && hinted.contains(hint), "{error}\n{hinted}");
}

const STRINGS: [&str; 4] = ["[1, -2.5]", "{0.5,3}", "[ 1.  2.e-1\n ]", "[NaN, 7]"];

#[test]
fn strings_that_are_lists_of_numbers_are_embeddings_in_every_format() {
    let rows = |read: &dyn Fn(&str) -> String, between: &str| STRINGS.map(read).join(between);
    let csv = format!("id,emb\n{}\n", rows(&|text| format!("x,\"{text}\""), "\n"));
    let object = |text: &str| serde_json::json!({"id": "x", "emb": text}).to_string();
    let json = [("a.jsonl", rows(&object, "\n")), ("a.json", format!("[{}]", rows(&object, ",")))];
    let mut inputs = vec![input("a.csv", csv.as_bytes()), input("a.csv.gz", csv.as_bytes())];
    inputs.extend(json.iter().map(|(name, text)| input(name, text.as_bytes())));
    let dictionary: DictionaryArray<types::Int32Type> = STRINGS.into_iter().collect();
    let columns: [ArrayRef; 5] = [
        Arc::new(StringArray::from(STRINGS.to_vec())),
        Arc::new(LargeStringArray::from(STRINGS.to_vec())),
        Arc::new(StringViewArray::from(STRINGS.to_vec())),
        Arc::new(dictionary),
        Arc::new(BinaryArray::from_iter_values(STRINGS)),
    ];
    inputs.extend(columns.into_iter().flat_map(|column| tables(vec![("emb", column)])));
    for Input { file, .. } in &inputs {
        let columns = resolve_one(file, &wanted("emb")).unwrap();
        assert_eq!(columns.embedding_form, EmbeddingForm::Strings, "{}", file.name);
        let (vectors, bad) = read_vectors(file, &columns, 0);
        assert_eq!(vectors[..3], [vec![1.0, -2.5], vec![0.5, 3.0], vec![1.0, 0.2]], "{}", file.name);
        assert!(vectors[3][0].is_nan() && vectors[3][1] == 7.0 && bad.is_empty(), "{bad:?}");
        assert_eq!(read_vectors(file, &columns, 2).0.len(), 2, "reading resumes at a row");
    }
}

#[test]
fn strings_that_are_no_whole_list_are_bad_rows_with_the_value() {
    let values = [Some("[1, 2]"), Some("[1, two]"), Some("[1 2 ... 9]"), Some(""), None, Some("[1, 2")];
    let lines = |value: &Option<&str>| serde_json::json!({"emb": value}).to_string();
    let json = values.iter().map(lines).collect::<Vec<_>>().join("\n");
    let [parquet, arrow] = tables(vec![("emb", Arc::new(StringArray::from(values.to_vec())))]);
    let csv = "emb,n\n\"[1, 2]\",0\n\"[1, two]\",1\n[1 2 ... 9],2\n,3\n,4\n\"[1, 2\",5\n";
    let columns = Columns { embedding_form: EmbeddingForm::Strings, ..Columns::default() };
    let columns = Columns { embedding: Some("emb".into()), ..columns };
    let (empty, missing) =
        ("column `emb` is an empty string, not a list of numbers", "no embedding in column `emb`");
    for (input, [third, fourth]) in [
        (parquet, [empty, "column `emb` is null"]),
        (arrow, [empty, "column `emb` is null"]),
        (input("a.jsonl", json.as_bytes()), [empty, missing]),
        (input("a.csv", csv.as_bytes()), [missing, missing]),
    ] {
        assert_eq!(resolve_one(&input.file, &wanted("emb")).unwrap(), columns);
        let (vectors, bad) = read_vectors(&input.file, &columns, 0);
        let expected = [
            "column `emb` is a string that is no list of numbers: `[1, two]`",
            "column `emb` is `[1 2 ... 9]`, from which numpy left out the middle: the numbers at `...` are lost",
            third,
            fourth,
            "column `emb` is a string that is no list of numbers: `[1, 2`",
        ];
        let numbered: Vec<_> = (1..).zip(expected.map(str::to_owned)).collect();
        assert_eq!((bad, vectors[0].as_slice()), (numbered, &[1.0f32, 2.0][..]), "{}", input.file.name);
        assert!(vectors[1..].iter().all(Vec::is_empty));
    }
}

#[test]
fn lists_and_strings_in_one_column_of_json_are_both_read() {
    let input = input("a.jsonl", b"{\"emb\": [1, 2]}\n{\"emb\": \"[3, 4]\"}\n{\"emb\": [5, \"6\"]}\n");
    let columns = resolve_one(&input.file, &wanted("emb")).unwrap();
    let (vectors, bad) = read_vectors(&input.file, &columns, 0);
    assert_eq!(vectors, [vec![1.0, 2.0], vec![3.0, 4.0], vec![]]);
    assert_eq!(bad[0].1, "column `emb` is a list of other things than numbers");
}

#[test]
fn a_string_that_is_not_utf8_is_a_bad_row_for_the_embedding() {
    let bytes = BinaryArray::from_iter_values([&b"[1, 2]"[..], b"[1, \xff]", b"[3, 4]"]);
    for Input { file, .. } in &tables(vec![("emb", Arc::new(bytes))]) {
        let columns = Columns { embedding_form: EmbeddingForm::Strings, ..Columns::default() };
        let columns = Columns { embedding: Some("emb".into()), ..columns };
        let (vectors, bad) = read_vectors(file, &columns, 0);
        assert_eq!(vectors, [vec![1.0, 2.0], vec![], vec![3.0, 4.0]]);
        assert_eq!(bad, [(1, "column `emb` is not valid UTF-8 at byte 4".to_owned())]);
    }
}

#[test]
fn columns_that_hold_no_embeddings_are_refused_with_what_to_do() {
    let csv = "id,emb,emb_0,emb_1\na,[0.1 0.2 ... 0.9],0.5,0.25\nb,[0.1 0.2 ... 0.9],0.5,0.5\n";
    let file = &input("a.csv", csv.as_bytes()).file;
    refused(file, &wanted("id"), "column `id` is text, not a list of numbers", "such as `[0.1, -0.2]`");
    let lost = "not a list of numbers: numpy left out the numbers at `...`, and they are lost";
    refused(file, &wanted("emb"), lost, "json.dumps");
    refused(file, &wanted("vec"), "no column `vec`; columns are", "lists of numbers");
    let wide = "2 columns `emb_N` have a number each";
    refused(file, &wanted("emb_*"), "no column `emb_*`", wide);
    refused(file, &wanted("emb_0"), "column `emb_0` is text", "pandas.read_csv('OLD')");
    refused(file, &typed("emb_0", FloatType::Float32), "not a list of numbers", wide);
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0]));
    for Input { file, .. } in &tables(vec![("emb_0", floats.clone()), ("emb_1", floats.clone())]) {
        refused(file, &wanted("emb_*"), "no column `emb_*`", "d[c].values.tolist()");
        refused(file, &wanted("emb_1"), "`emb_1` is Float32, not a list of numbers", wide);
        refused(file, &wanted("emb"), "no column `emb`", wide);
    }
    let strings = &input("a.jsonl", b"{\"emb\": \"[1, 2]\"}\n").file;
    let problem = "column `emb` holds strings, whose numbers have no type of their own";
    refused(strings, &typed("emb", FloatType::Float16), problem, "leave out --dtype float16");
}

#[test]
fn the_command_that_joins_columns_reads_the_format_of_the_file() {
    for (name, content, reader) in [
        ("a.csv", "id,e0,e1\na,1,2\n", "pandas.read_csv('OLD');"),
        ("a.tsv", "id\te0\te1\na\t1\t2\n", "pandas.read_csv('OLD', sep='\\t');"),
        ("b.csv", "id|e0|e1\na|1|2\nb|3|4\n", "pandas.read_csv('OLD', sep='|');"),
        ("a.jsonl", "{\"e0\": 1, \"e1\": 2}\n", "pandas.read_json('OLD', lines=True);"),
        ("a.json", "[{\"e0\": 1, \"e1\": 2}]\n", "pandas.read_json('OLD');"),
    ] {
        refused(&input(name, content.as_bytes()).file, &wanted("e"), "no column `e`", reader);
    }
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![1.0, 2.0]));
    let batch = RecordBatch::try_from_iter([("e0", floats.clone()), ("e1", floats)]).unwrap();
    let mut stream = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    let stream = stream.into_inner().unwrap();
    refused(
        &input("a.arrow", &stream).file,
        &wanted("e0"),
        "`e0` is Float32",
        "pyarrow.ipc.open_stream('OLD')",
    );
}

#[test]
fn bytes_are_read_as_the_type_that_the_user_names() {
    let values: [[f32; 2]; 3] = [[1.0, -2.5], [0.5, f32::NAN], [3.0, 1.0]];
    let bytes_of = |float: FloatType, value: f32| match float {
        FloatType::Float16 => f16::from_f32(value).to_le_bytes().to_vec(),
        FloatType::Bfloat16 => bf16::from_f32(value).to_le_bytes().to_vec(),
        FloatType::Float32 => value.to_le_bytes().to_vec(),
        FloatType::Float64 => f64::from(value).to_le_bytes().to_vec(),
    };
    for float in [FloatType::Float16, FloatType::Bfloat16, FloatType::Float32, FloatType::Float64] {
        let rows = values.map(|row| row.map(|value| bytes_of(float, value)).concat());
        let column = BinaryArray::from_iter_values(&rows);
        let width = rows[0].len() as i32;
        let fixed = arrow_cast::cast::cast(&column, &DataType::FixedSizeBinary(width)).unwrap();
        for column in [Arc::new(column) as ArrayRef, fixed] {
            for Input { file, .. } in &tables(vec![("emb", column.clone())]) {
                let columns = resolve_one(file, &typed("emb", float)).unwrap();
                assert_eq!(columns.embedding_form, EmbeddingForm::Bytes(float));
                let (vectors, bad) = read_vectors(file, &columns, 0);
                assert_eq!((&vectors[0][..], &vectors[2][..]), (&[1.0, -2.5][..], &[3.0, 1.0][..]));
                assert!(vectors[1][0] == 0.5 && vectors[1][1].is_nan() && bad.is_empty(), "{float:?}");
            }
        }
    }
}

#[test]
fn bytes_that_are_no_whole_numbers_are_bad_rows() {
    let rows: [Option<&[u8]>; 5] = [Some(&[0; 8]), Some(&[0; 7]), None, Some(b""), Some(b"\x93NUMPY\x01\0")];
    for Input { file, .. } in &tables(vec![("emb", Arc::new(BinaryArray::from_iter(rows)))]) {
        let columns = resolve_one(file, &typed("emb", FloatType::Float32)).unwrap();
        let (vectors, bad) = read_vectors(file, &columns, 0);
        assert_eq!(vectors.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 0, 0, 0]);
        let expected = [
            (1, "column `emb` has 7 bytes, which are no whole float32 numbers"),
            (2, "column `emb` is null"),
            (4, "column `emb` is an .npy file, which says what its numbers are: leave out --dtype"),
        ];
        assert_eq!(bad, expected.map(|(row, reason)| (row, reason.to_owned())));
    }
}

#[test]
fn bytes_without_a_type_are_refused_with_the_types_that_fit() {
    let of = |bytes: Vec<u8>| tables(vec![("emb", Arc::new(BinaryArray::from_iter_values([bytes])))]);
    for Input { file, .. } in &of((0..=255).chain(0..=255).collect()) {
        let fitting =
            "512 bytes a row: --dtype float32 makes 128 numbers, float16 256, bfloat16 256, float64 64";
        refused(file, &wanted("emb"), "column `emb` is bytes, 512 in the first row", fitting);
    }
    for Input { file, .. } in &of(vec![0, 1, 2, 3, 0, 1]) {
        refused(file, &wanted("emb"), "6 in the first row", "--dtype float16 makes 3 numbers, bfloat16 3");
    }
    for Input { file, .. } in &of(vec![0, 1, 2]) {
        refused(file, &wanted("emb"), "3 in the first row", "not a multiple of any float size");
    }
}

/// Returns an `.npy` file.
fn npy(descr: &str, fortran: bool, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(128 - 11 - header.len()));
    let length = (header.len() as u16 + 1).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), b"\n", bytes].concat()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn shard(members: &[(&str, Vec<u8>)]) -> Input {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        archive.append_data(&mut header, name, &data[..]).unwrap();
    }
    raw_input("a.tar", &archive.into_inner().unwrap())
}

#[test]
fn npy_members_of_shards_are_embeddings_whatever_their_type_and_order() {
    let half: Vec<u8> = [0.5, -2.0].into_iter().flat_map(|x| f16::from_f32(x).to_le_bytes()).collect();
    let double: Vec<u8> = [0.5f64, 8.0].into_iter().flat_map(f64::to_le_bytes).collect();
    let big: Vec<u8> = [0.5f32, 16.0].into_iter().flat_map(f32::to_be_bytes).collect();
    let Input { file, folder: _folder } = shard(&[
        ("a.emb.npy", npy("<f4", false, "(2,)", &f32s(&[1.0, 2.0]))),
        ("a.txt", b"one".to_vec()),
        ("b.emb.npy", npy("<f2", false, "(1, 2)", &half)),
        ("c.emb.npy", npy("<f8", true, "(2,)", &double)),
        ("d.emb.npy", npy(">f4", false, "(2,)", &big)),
        ("e.emb.npy", npy("<f4", true, "(1, 2)", &f32s(&[3.0, 4.0]))),
    ]);
    let expected: [&[f32]; 5] = [&[1.0, 2.0], &[0.5, -2.0], &[0.5, 8.0], &[0.5, 16.0], &[3.0, 4.0]];
    expect(&file, &wanted("emb.npy"), EmbeddingForm::Npy, &expected);
    let columns = resolve_one(&file, &wanted("emb.npy")).unwrap();
    assert_eq!(columns.text.as_deref(), Some("txt"), "texts are shown");
    assert_eq!(read_vectors(&file, &columns, 3).0, expected[3..]);
    refused(&file, &wanted("npy"), "no member `npy`; members are emb.npy, txt", "left.jpg");
    refused(&file, &wanted("txt"), "`txt` is no .npy member with an embedding", "--embedding-column npy");
    let typed = typed("emb.npy", FloatType::Float32);
    refused(&file, &typed, "--dtype float32: an .npy member says what its numbers are", "leave out --dtype");
}

#[test]
fn samples_without_a_readable_npy_member_are_bad_rows() {
    let whole = npy("<f4", false, "(2,)", &f32s(&[1.0, 2.0]));
    let Input { file, folder: _folder } = shard(&[
        ("a.npy", whole.clone()),
        ("b.txt", b"two".to_vec()),
        ("b.json", b"{}".to_vec()),
        ("c.npy", whole[..whole.len() - 3].to_vec()),
        ("d.npy", b"1 2".to_vec()),
        ("e.npy", npy("<i8", false, "(1,)", &[0; 8])),
        ("f.npy", npy("<f4", false, "(2, 1)", &f32s(&[1.0, 2.0]))),
        ("g.npy", Vec::new()),
        ("h.npy", whole),
        ("i.npy", npy("|O", false, "(1,)", &[0; 8])),
        ("j.npy", npy("<f4", false, "()", &f32s(&[1.0]))),
    ]);
    let columns = resolve_one(&file, &wanted("npy")).unwrap();
    let (vectors, bad) = read_vectors(&file, &columns, 0);
    assert_eq!((&vectors[0], &vectors[7]), (&vec![1.0, 2.0], &vec![1.0, 2.0]));
    assert!(vectors[1..7].iter().all(Vec::is_empty));
    let expected = [
        "no member `npy` in the sample; its members are txt, json",
        "member `npy` is not a whole .npy file: a shape of [2] does not fit its 133 bytes",
        "member `npy` is not an .npy file: it does not begin with the mark of one",
        "member `npy` is int64 of shape [1], not one row of floats",
        "member `npy` is float32 of shape [2, 1], not one row of floats",
        "member `npy` is not an .npy file: it does not begin with the mark of one",
        "member `npy` is an .npy file: numbers of type '|O' cannot be read; known are f2, f4, f8, i4, u4, i8, u8",
        "member `npy` is float32 of shape [], not one row of floats",
    ];
    let numbered: Vec<_> = [1, 2, 3, 4, 5, 6, 8, 9].into_iter().zip(expected.map(str::to_owned)).collect();
    assert_eq!(bad, numbered);
}

#[test]
fn npy_files_in_a_column_of_bytes_need_no_type() {
    let rows = [[1.0, 2.0], [3.0, 4.0]].map(|row| npy("<f4", false, "(2,)", &f32s(&row)));
    for Input { file, .. } in &tables(vec![("emb", Arc::new(BinaryArray::from_iter_values(rows.clone())))]) {
        expect(file, &wanted("emb"), EmbeddingForm::Npy, &[&[1.0, 2.0], &[3.0, 4.0]]);
    }
}

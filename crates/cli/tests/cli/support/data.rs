//! Texts with known duplicates, in several formats.

use std::io::{Read, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use parquet::arrow::ArrowWriter;
use parquet::basic::ZstdLevel;
use parquet::file::properties::WriterProperties;
use serde_json::json;

/// A random number generator (splitmix64) whose numbers no library update can change.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }
}

const WORDS: [&str; 64] = [
    "river", "stone", "market", "engine", "letter", "winter", "garden", "copper", "signal", "bridge",
    "paper", "window", "doctor", "island", "silver", "thread", "kitchen", "forest", "planet", "violin",
    "harbor", "ticket", "mirror", "basket", "candle", "desert", "hammer", "jacket", "ladder", "magnet",
    "needle", "orange", "pencil", "rabbit", "saddle", "temple", "valley", "wallet", "yellow", "zipper",
    "anchor", "bottle", "carpet", "dragon", "eleven", "falcon", "guitar", "helmet", "insect", "jungle",
    "kettle", "lemon", "meadow", "nickel", "oyster", "pillow", "quartz", "ribbon", "salmon", "turtle",
    "urban", "velvet", "walnut", "zebra",
];

/// Returns random texts. In each five, the fourth is a copy of the third and the fifth is a slight
/// change of it.
pub fn texts(count: usize) -> Vec<String> {
    let mut random = Random(count as u64);
    let mut texts: Vec<String> = Vec::with_capacity(count);
    for row in 0..count {
        let text = match row % 5 {
            3 => texts[row - 1].clone(),
            4 => format!("{} indeed", texts[row - 1]),
            _ => (0..18).map(|_| WORDS[random.below(WORDS.len())]).collect::<Vec<_>>().join(" "),
        };
        texts.push(text);
    }
    texts
}

/// Returns JSONL: an object per line, with an `id` and a `text`.
pub fn jsonl(texts: &[String]) -> String {
    texts
        .iter()
        .enumerate()
        .map(|(row, text)| format!("{}\n", json!({"id": format!("r{row}"), "text": text})))
        .collect()
}

pub fn csv(texts: &[String]) -> String {
    let rows = texts.iter().enumerate().map(|(row, text)| format!("r{row},\"{text}\"\n"));
    std::iter::once("id,text\n".to_owned()).chain(rows).collect()
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

pub fn gunzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}

pub fn zstd(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    zstd::encode_all(bytes.as_ref(), 3).unwrap()
}

/// Returns a Parquet file with a number (`id`), a text and one more column.
pub fn parquet(texts: &[String]) -> Vec<u8> {
    let ids: ArrayRef = Arc::new((0..texts.len() as i64).collect::<Int64Array>());
    let rest: ArrayRef =
        Arc::new(texts.iter().map(|text| Some(text.len().to_string())).collect::<StringArray>());
    let texts: ArrayRef = Arc::new(texts.iter().map(Some).collect::<StringArray>());
    let batch = RecordBatch::try_from_iter([("id", ids), ("text", texts), ("length", rest)]).unwrap();
    let zstd =
        WriterProperties::builder().set_compression(parquet::basic::Compression::ZSTD(ZstdLevel::default()));
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(zstd.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

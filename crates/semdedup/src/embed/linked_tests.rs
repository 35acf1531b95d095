//! Tests images that rows name by their paths, with models whose rows are expensive.

use std::sync::atomic::AtomicUsize;

use serde_json::json;

use super::*;

/// Writes a picture of 320 × 320 pixels in one colour, in 300 KiB.
fn write_picture(path: &Path, colour: u8) {
    std::fs::write(path, [&b"P6 320 320 255\n"[..], &vec![colour; 3 * 320 * 320]].concat()).unwrap();
}

/// Finds the rows of a table that stands beside their images.
fn table(folder: &Path, rows: &[serde_json::Value], by: CompareBy) -> Input {
    let path = folder.join("a.jsonl");
    std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    let image = Some("image".to_owned());
    let columns = ColumnChoice { by: Some(by), image, ..ColumnChoice::default() };
    Input::find(&InputOptions { columns, ..InputOptions::new([path.display().to_string()]) }, &[]).unwrap()
}

/// Embeds images as [`Colour`] does. Removes a folder of images when it is called a second time.
struct Removes {
    folder: PathBuf,
    calls: AtomicUsize,
}

impl ImageModel for Removes {
    fn name(&self) -> &str {
        "removes"
    }
    fn dim(&self) -> usize {
        3
    }
    fn fingerprint(&self) -> String {
        "removes/1".into()
    }
    fn rows_per_save(&self) -> Option<usize> {
        Some(1000)
    }
    fn embed(&self, images: &[RgbImage], out: &mut [f32]) -> std::result::Result<(), ModelError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) == 1 {
            std::fs::remove_dir_all(&self.folder).unwrap();
        }
        Colour.embed(images, out)
    }
}

#[test]
fn a_thread_holds_the_large_images_of_one_task_only() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("images");
    std::fs::create_dir(&folder).unwrap();
    let row = |number: u8| {
        write_picture(&folder.join(format!("{number}.ppm")), number);
        json!({"image": format!("images/{number}.ppm")})
    };
    let rows: Vec<_> = (0..160).map(row).collect();
    let input = table(data.path(), &rows, CompareBy::Image);
    let model = Removes { folder, calls: AtomicUsize::new(0) };
    let out = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let embedder = Embedder::Image(&model);
    pool.install(|| embed_parts(&input, embedder, out.path(), &Silent)).unwrap();
    let dataset = Dataset::open(&input, out.path(), &embed_fingerprint(&input, embedder).unwrap()).unwrap();
    // When the second task of 16 images was embedded, the others were not read yet.
    assert_eq!(dataset.skipped_rows(), (32..160).collect::<Vec<u64>>());
    assert!(dataset.first_skipped().contains("images/32.ppm cannot be read"), "{}", dataset.first_skipped());
}

/// Embeds a caption once, and fails when it is asked again.
#[derive(Default)]
struct Once(std::sync::Mutex<Vec<String>>);

impl TextModel for Once {
    fn name(&self) -> &str {
        "once"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "once/1".into()
    }
    fn rows_per_save(&self) -> Option<usize> {
        Some(1000)
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        let mut asked = self.0.lock().unwrap();
        for text in texts {
            if asked.iter().any(|asked| asked == text) {
                return Err(ModelError::new(format!("`{text}` was paid for before")));
            }
            asked.push((*text).to_owned());
        }
        Length.embed(texts, out)
    }
}

#[test]
fn captions_of_broken_images_that_repeat_are_paid_for_once() {
    let data = tempfile::tempdir().unwrap();
    write_picture(&data.path().join("0.ppm"), 7);
    (1..4).for_each(|n| std::fs::write(data.path().join(format!("{n}.ppm")), "P6 3 3 255\ncut off").unwrap());
    let row =
        |number: usize| json!({"image": format!("{number}.ppm"), "text": format!("of {}", number.min(1))});
    let rows: Vec<_> = [1, 2, 0, 3, 0].map(row).to_vec();
    let input = table(data.path(), &rows, CompareBy::Both);
    let (model, out) = (Once::default(), tempfile::tempdir().unwrap());
    let embedder = Embedder::Both(&Colour, &model);
    embed_parts(&input, embedder, out.path(), &Silent).unwrap();
    assert_eq!(*model.0.lock().unwrap(), ["of 1", "of 0"]);
    let dataset = Dataset::open(&input, out.path(), &embed_fingerprint(&input, embedder).unwrap()).unwrap();
    assert_eq!(dataset.skipped_rows(), [0, 1, 3]);
    assert!(
        dataset.skipped.iter().all(|row| row.reason == dataset.skipped[0].reason),
        "{:?}",
        dataset.skipped
    );
    assert_eq!((dataset.embedded, dataset.repeated), (Some(1), 1));
}

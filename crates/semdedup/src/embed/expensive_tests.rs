//! Tests the embedding stage with a model whose rows are expensive: none of them is paid for twice.

use std::path::PathBuf;

use super::*;

/// Embeds like [`Lengths`], but its rows are expensive. It counts the texts, and fails at those
/// that begin with `fails_at`.
struct Expensive {
    asked: std::sync::atomic::AtomicUsize,
    fails_at: Option<&'static str>,
}

impl Expensive {
    fn new(fails_at: Option<&'static str>) -> Self {
        Self { asked: Default::default(), fails_at }
    }
}

impl TextModel for Expensive {
    fn name(&self) -> &str {
        "expensive"
    }
    fn dim(&self) -> usize {
        2
    }
    fn fingerprint(&self) -> String {
        "expensive/1".into()
    }
    fn rows_per_save(&self) -> Option<usize> {
        Some(3000)
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        if self.fails_at.is_some_and(|start| texts.iter().any(|text| text.starts_with(start))) {
            return semdedup_embed::StaticModel::built_in(Some(0)).map(|_| EmbedStats::default());
        }
        self.asked.fetch_add(texts.len(), Ordering::Relaxed);
        Lengths.embed(texts, out)
    }
}

#[test]
fn an_expensive_model_that_fails_loses_no_stored_rows_and_few_others() {
    let data = tempfile::tempdir().unwrap();
    let texts: String = (0..20_000).map(|row| format!("{row} is the row\n")).collect();
    std::fs::write(data.path().join("a.txt"), texts).unwrap();
    let (undisturbed, disturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let find = || input(data.path(), 1 << 17);
    let model = Expensive::new(None);
    embed_parts(&find(), Embedder::Text(&model), undisturbed.path(), &Silent).unwrap();
    assert_eq!(records(undisturbed.path()), 7, "parts of 3,000 rows");

    let failing = Expensive::new(Some("13000 "));
    let error = embed_parts(&find(), Embedder::Text(&failing), disturbed.path(), &Silent).unwrap_err();
    assert!(error.to_string().contains("limit on tokens"), "{error}");
    let stage = embed_fingerprint(&find(), Embedder::Text(&failing)).unwrap();
    let kept: u64 = read_records(disturbed.path(), &stage).unwrap().iter().map(PartRecord::rows).sum();
    // The rows before the batch of texts in which it failed.
    assert!((13_000 - 2048..=13_000).contains(&kept), "{kept} rows were kept");

    let resumed = Expensive::new(None);
    embed_parts(&find(), Embedder::Text(&resumed), disturbed.path(), &Silent).unwrap();
    assert_eq!(resumed.asked.into_inner() as u64, 20_000 - kept, "stored rows were embedded again");
    let rows = |folder: &Path| {
        let input = find();
        let dataset = Dataset::open(
            &input,
            folder,
            &embed_fingerprint(&input, Embedder::Text(&Expensive::new(None))).unwrap(),
        )
        .unwrap();
        let store = dataset.open_embeddings().unwrap();
        let rows = store.read(0..20_000).unwrap();
        (0..20_000).flat_map(|row| rows.row(row).to_vec()).map(f32::to_bits).collect::<Vec<_>>()
    };
    assert!(rows(disturbed.path()) == rows(undisturbed.path()));
}

#[test]
fn parts_of_an_expensive_model_grow_with_their_number() {
    let model = Expensive::new(None);
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("a.txt"), "a\n").unwrap();
    let input = input(data.path(), 1 << 17);
    let source = Source::open(&input, Embedder::Text(&model)).unwrap();
    let sizes: Vec<u64> = [0, 63, 64, 128, 10_000].map(|part| source.rows_per_part(1 << 17, part)).to_vec();
    assert_eq!(sizes, [3000, 3000, 6000, 12_000, 1 << 17]);
}

/// More tasks than a writer takes while it stores a small part.
const MANY_TASKS: usize = 1_000_000;

#[test]
fn a_part_that_cannot_be_stored_ends_the_writing_before_the_next_part_is_full() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(data.path().join("a.txt"), "a\n").unwrap();
    let (input, model) = (input(data.path(), 1 << 17), Expensive::new(None));
    let source = Source::open(&input, Embedder::Text(&model)).unwrap();
    let (tasks, read) = sync_channel(1);
    let bytes_read = AtomicU64::new(0);
    let reader = TaskReader::new(&input, &source, tasks, &bytes_read);
    reader.read_from(&ResumePoint::after(&[])).unwrap();
    let Task { file, chunk, parsed, rows, .. } = read.recv().unwrap();
    let done = |closes_part| {
        let (chunk, parsed, rows) = (chunk.clone(), parsed.clone(), rows.clone());
        let task = Task { file, chunk, parsed, rows, closes_part };
        let mut read = task.read(&input, &source).unwrap();
        task.embed(&mut read, &input, &source, None).unwrap();
        let embedded = task.finish(read, &input, &source).unwrap();
        DoneTask { task, embedded }
    };
    // No file replaces a folder.
    std::fs::create_dir(record_path(work.path(), 0)).unwrap();
    let stage = embed_fingerprint(&input, Embedder::Text(&model)).unwrap();
    let made = Made { stage, model: Some(model.fingerprint()), dim: model.dim() };
    let part = PartWriter::after(&[], work.path(), &made).unwrap();
    let (out, tasks) = sync_channel(0);
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(move || part.append_all(&tasks, &channel().0).map(|_| ()));
        out.send(done(true)).unwrap();
        let taken = (0..MANY_TASKS).take_while(|_| out.send(done(false)).is_ok()).count();
        assert!(taken < MANY_TASKS, "the next part was filled");
        writer.join().unwrap()
    });
    written.unwrap_err();
}

/// Adds a line to a file as soon as it embeds, and fails at a late row.
struct Meddling {
    inner: Expensive,
    path: PathBuf,
    meddled: std::sync::Once,
}

impl TextModel for Meddling {
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn fingerprint(&self) -> String {
        self.inner.fingerprint()
    }
    fn rows_per_save(&self) -> Option<usize> {
        self.inner.rows_per_save()
    }
    fn embed(&self, texts: &[&str], out: &mut [f32]) -> std::result::Result<EmbedStats, ModelError> {
        let add = || std::fs::File::options().append(true).open(&self.path)?.write_all(b"one more\n");
        self.meddled.call_once(|| add().unwrap());
        self.inner.embed(texts, out)
    }
}

#[test]
fn rows_of_a_file_that_changes_meanwhile_are_not_continued_but_paid_for_once() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = data.path().join("a.txt");
    let texts: String = (0..20_000).map(|row| format!("{row} is the row\n")).collect();
    std::fs::write(&path, texts).unwrap();
    let before = input(data.path(), 1 << 17);
    let model = Meddling { inner: Expensive::new(Some("13000 ")), path, meddled: std::sync::Once::new() };
    let mut dir = WorkDir::open(work.path()).unwrap();
    embed_stage(&mut dir, &before, Embedder::Text(&model), false, &Silent).unwrap_err();
    assert!(!dir.has_begun(Stage::Embed, &embed_fingerprint(&before, Embedder::Text(&model)).unwrap()));
    drop(dir);
    let stored = all_records(&work.path().join("embed")).unwrap();
    let stored: u64 = stored.iter().map(|(_, part)| part.rows()).sum();
    assert!(stored > 0);

    let (now, counted) = (input(data.path(), 1 << 17), Expensive::new(None));
    let mut dir = WorkDir::open(work.path()).unwrap();
    let dataset = embed_stage(&mut dir, &now, Embedder::Text(&counted), false, &Silent).unwrap();
    assert_eq!((dataset.row_index.rows(), dataset.reused), (20_001, stored));
    assert_eq!(counted.asked.into_inner() as u64, 20_001 - stored);
}

#[test]
fn stored_embeddings_are_those_of_their_rows() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let write = |rows: &[usize]| {
        let texts: String = rows.iter().map(|row| format!("{}row\n", "x".repeat(*row))).collect();
        std::fs::write(data.path().join("a.txt"), texts).unwrap();
    };
    let (first, then) = ([5, 1, 4, 1, 9, 3], [9, 9, 2, 5, 6, 3, 8]);
    for (rows, asked) in [(&first[..], 5), (&then, 3)] {
        write(rows);
        let model = Expensive::new(None);
        let mut dir = WorkDir::open(work.path()).unwrap();
        let found = input(data.path(), 1 << 17);
        let dataset = embed_stage(&mut dir, &found, Embedder::Text(&model), false, &Silent).unwrap();
        assert_eq!(model.asked.into_inner(), asked);
        let mut values = vec![0.0; 2 * rows.len()];
        crate::arrays::matrix::Matrix::open(&dataset.embeddings[0]).unwrap().read(0, &mut values).unwrap();
        let lengths: Vec<usize> = values.chunks(2).map(|row| row[0] as usize - 3).collect();
        assert_eq!(lengths, rows, "the first value of an embedding is the length of the text");
    }
}

/// Writes two files in which a text comes again after a few rows, in later parts and in the other
/// file. Returns the number of different texts.
fn write_repeating(folder: &Path) -> u64 {
    let text = |row: usize| format!("text {} of a file\n", (row * row) % 4001);
    std::fs::write(folder.join("a.txt"), (0..10_000).map(text).collect::<String>()).unwrap();
    std::fs::write(folder.join("b.txt"), (10_000..14_000).map(text).collect::<String>()).unwrap();
    (0..14_000).map(text).collect::<std::collections::HashSet<_>>().len() as u64
}

#[test]
fn equal_rows_of_an_expensive_model_are_embedded_once_in_whatever_part_or_file() {
    let data = tempfile::tempdir().unwrap();
    let distinct = write_repeating(data.path());
    for part_rows in [700, 1 << 17] {
        let (once, each) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let input = input(data.path(), part_rows);
        let model = Expensive::new(None);
        embed_parts(&input, Embedder::Text(&model), once.path(), &Silent).unwrap();
        assert_eq!(model.asked.into_inner() as u64, distinct);
        let stage = |model: &dyn TextModel| embed_fingerprint(&input, Embedder::Text(model)).unwrap();
        let rows = Dataset::open(&input, once.path(), &stage(&Expensive::new(None))).unwrap();
        assert_eq!((rows.embedded, rows.repeated), (Some(distinct), 14_000 - distinct));
        embed_parts(&input, Embedder::Text(&Lengths), each.path(), &Silent).unwrap();
        let expected = Dataset::open(&input, each.path(), &stage(&Lengths)).unwrap();
        assert_eq!((expected.embedded, expected.repeated), (Some(14_000), 0));
        let all = |dataset: &Dataset| {
            let rows = dataset.open_embeddings().unwrap().read(0..14_000).unwrap();
            (0..14_000).flat_map(|row| rows.row(row).to_vec()).map(f32::to_bits).collect::<Vec<_>>()
        };
        assert!(all(&rows) == all(&expected), "parts of {part_rows} rows");
    }
}

#[test]
fn a_killed_run_takes_the_embeddings_of_equal_rows_from_its_stored_parts() {
    let (data, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let distinct = write_repeating(data.path());
    let input = input(data.path(), 700);
    embed_parts(&input, Embedder::Text(&Expensive::new(None)), whole.path(), &Silent).unwrap();
    for part in [0, 1, 7, 19] {
        let killed = tempfile::tempdir().unwrap();
        embed_parts(&input, Embedder::Text(&Expensive::new(None)), killed.path(), &Silent).unwrap();
        let (mut there, mut lost) = (0, part);
        all_records(killed.path()).unwrap()[..part]
            .iter()
            .for_each(|(_, part)| there += part.embedded.unwrap());
        while std::fs::remove_file(record_path(killed.path(), lost)).is_ok() {
            lost += 1;
        }
        let model = Expensive::new(None);
        embed_parts(&input, Embedder::Text(&model), killed.path(), &Silent).unwrap();
        assert_eq!(model.asked.into_inner() as u64, distinct - there);
        assert_eq!(contents(whole.path()), contents(killed.path()));
    }
}

#[test]
fn a_stored_part_that_has_changed_is_not_copied_from() {
    let (data, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_repeating(data.path());
    let input = input(data.path(), 700);
    embed_parts(&input, Embedder::Text(&Expensive::new(None)), out.path(), &Silent).unwrap();
    (10..20).for_each(|part| std::fs::remove_file(record_path(out.path(), part)).unwrap());
    let path = embeddings_path(out.path(), 0);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let error = embed_parts(&input, Embedder::Text(&Expensive::new(None)), out.path(), &Silent).unwrap_err();
    assert!(error.to_string().contains("embeddings-00000.npy: is damaged"), "{error}");
}

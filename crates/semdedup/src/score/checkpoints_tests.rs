//! What a killed scoring has found is used, and nothing that is damaged.
#![allow(clippy::unwrap_used)]

use semdedup_core::{Keep, Ranking};
use tempfile::TempDir;

use super::*;
use crate::arrays::npy_writer::NpyWriter;
use crate::arrays::store::EmbeddingStore;
use crate::cluster::clustering::Clustering;
use crate::memory::Memory;
use crate::progress::Silent;
use crate::score::columns::ScoreColumns;
use crate::score::stage::Scorer;

const ROWS: usize = 4_000;
const DIM: usize = 4_096;
const CLUSTERS: usize = 40;

/// 62 MiB of rows, of which every third is near the one before it.
struct Case {
    folder: TempDir,
    store: EmbeddingStore,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e.npy");
        let mut file = NpyWriter::matrix(&path, DIM).unwrap();
        for row in 0..ROWS {
            let near = row - usize::from(row % 3 == 2);
            let random = |d: usize| ((near * DIM + d) as u32).wrapping_mul(2_654_435_769) >> 12;
            let values = (0..DIM).map(|d| (random(d) % 2001) as f32 - 1000.0 + (row % 3 * d) as f32 / 99.0);
            file.write(&values.collect::<Vec<_>>()).unwrap();
        }
        file.finish().unwrap();
        Self { store: EmbeddingStore::open(&[path]).unwrap(), folder }
    }

    /// Most rows in one cluster.
    fn clustering(&self) -> Clustering {
        let cluster = |row: u32| if row.is_multiple_of(4) { row % CLUSTERS as u32 } else { 7 };
        Clustering { cluster: (0..ROWS as u32).map(cluster).collect(), probes: None, clusters: CLUSTERS }
    }

    fn score(&self, memory: u64, resumes: bool) -> Result<(ScoreColumns, u64)> {
        self.score_as("this", memory, resumes)
    }

    fn score_as(&self, stage: &str, memory: u64, resumes: bool) -> Result<(ScoreColumns, u64)> {
        let stage = Fingerprint::of(&stage, None)?;
        let centroids = self.store.gather(&(0..CLUSTERS as u64).collect::<Vec<_>>())?;
        let ranking = Ranking { keep: Keep::Hard, seed: 0 };
        let (memory, folder) = (Memory::new(memory << 20), self.folder.path());
        let scorer = Scorer {
            ranking: &ranking,
            memory,
            folder,
            resumes: resumes.then_some(&stage),
            progress: &Silent,
        };
        let scored = scorer.score(&self.store, &centroids, self.clustering())?;
        Ok((scored.columns, scored.compared))
    }

    fn parts(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join(FOLDER);
        let mut parts: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        parts.sort();
        parts
    }
}

fn same(a: &ScoreColumns, b: &ScoreColumns) -> bool {
    a.score == b.score && a.duplicate_of == b.duplicate_of && a.cluster == b.cluster
}

#[test]
fn what_was_found_before_a_kill_is_used_and_ends_in_the_same_scores() {
    let case = Case::new();
    let (whole, _) = case.score(16 << 10, true).unwrap();
    assert!(!case.folder.path().join(FOLDER).exists(), "nothing is kept where all rows fit");
    let (first, compared) = case.score(200, true).unwrap();
    assert!(same(&first, &whole));
    let parts = case.parts();
    assert!(parts.len() > 4, "{parts:?}");
    // As if a kill had come before these.
    parts.iter().step_by(2).for_each(|part| std::fs::remove_file(part).unwrap());
    let kept: Vec<_> = case.parts().iter().map(|part| part.metadata().unwrap().modified().unwrap()).collect();
    let (again, compared_in_both) = case.score(200, true).unwrap();
    assert!(same(&again, &whole));
    assert_eq!(compared_in_both, compared);
    assert_eq!(case.parts(), parts);
    let now = parts.iter().skip(1).step_by(2).map(|part| part.metadata().unwrap().modified().unwrap());
    assert!(now.eq(kept), "a part was made anew");
    // Another limit divides the rows otherwise, and what does not fit it is not taken.
    assert!(same(&case.score(216, true).unwrap().0, &whole));
    remove_parts(case.folder.path()).unwrap();
    assert!(same(&case.score(200, false).unwrap().0, &whole));
    assert!(!case.folder.path().join(FOLDER).exists());
}

#[test]
fn a_damaged_part_is_an_error_that_names_it() {
    let case = Case::new();
    case.score(200, true).unwrap();
    let part = case.parts().swap_remove(1);
    let whole = std::fs::read(&part).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    let mut many = whole.clone();
    many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    for damaged in [&whole[..whole.len() - 1], &whole[..20], &flipped, &longer, &many, &[]] {
        std::fs::write(&part, damaged).unwrap();
        let error = case.score(200, true).unwrap_err();
        assert!(error.to_string().contains(&part.display().to_string()), "{error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains("delete this file")));
    }
    std::fs::write(&part, &whole).unwrap();
    case.score(200, true).unwrap();
}

#[test]
fn a_part_of_another_stage_is_compared_again() {
    let case = Case::new();
    let (whole, _) = case.score(200, true).unwrap();
    let ours: Vec<_> = case.parts().iter().map(|part| std::fs::read(part).unwrap()).collect();
    // What a run that was cut off writes late, of rows that were scored otherwise.
    case.score_as("another", 200, true).unwrap();
    let theirs = std::fs::read(&case.parts()[0]).unwrap();
    assert!(theirs != ours[0] && theirs.len() == ours[0].len());
    assert!(same(&case.score(200, true).unwrap().0, &whole));
    let now: Vec<_> = case.parts().iter().map(|part| std::fs::read(part).unwrap()).collect();
    assert!(now == ours);
}

#[test]
fn a_part_that_cannot_be_read_now_is_not_said_to_be_damaged() {
    let path = Path::new("clusters-0-1.found");
    let is_damage = |kind: ErrorKind| unread(path, kind.into()).to_string().contains("is damaged");
    assert!(is_damage(ErrorKind::UnexpectedEof));
    assert!(!is_damage(ErrorKind::TimedOut) && !is_damage(ErrorKind::PermissionDenied));
}

//! A killed stage continues from its checkpoints, and damaged checkpoints are not used.
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
use crate::score::stage::{Resumes, Scorer};

const ROWS: usize = 4_000;
const DIM: usize = 4_096;
const CLUSTERS: usize = 40;

/// 62 MiB of rows. Every third row is similar to the row before it.
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

    /// Puts most rows into one cluster.
    fn clustering(&self) -> Clustering {
        let cluster = |row: u32| if row.is_multiple_of(4) { row % CLUSTERS as u32 } else { 7 };
        let cluster = (0..ROWS as u32).map(cluster).collect();
        Clustering { cluster, probes: None, clusters: CLUSTERS, similarity: None }
    }

    fn score(&self, memory: u64, resumes: bool) -> Result<(ScoreColumns, u64)> {
        self.score_as("this", memory, resumes)
    }

    fn score_as(&self, stage: &str, memory: u64, resumes: bool) -> Result<(ScoreColumns, u64)> {
        let stage = Fingerprint::of(&stage, None)?;
        let centroids = self.store.gather(&(0..CLUSTERS as u64).collect::<Vec<_>>())?;
        let ranking = Ranking { keep: Keep::Hard, seed: 0 };
        let (memory, folder) = (Memory::new(memory << 20), self.folder.path());
        let resumes = resumes.then_some(Resumes { folder, stage: &stage });
        let scorer = Scorer { ranking, memory, resumes, progress: &Silent };
        let scored = scorer.score(&self.store, &centroids, self.clustering(), Vec::new())?;
        Ok((scored.columns, scored.compared))
    }

    fn checkpoints(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join(FOLDER);
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

fn same(a: &ScoreColumns, b: &ScoreColumns) -> bool {
    a.score == b.score && a.duplicate_of == b.duplicate_of && a.cluster == b.cluster
}

#[test]
fn a_killed_stage_uses_its_checkpoints_and_ends_in_the_same_scores() {
    let case = Case::new();
    let (whole, _) = case.score(16 << 10, true).unwrap();
    assert!(!case.folder.path().join(FOLDER).exists(), "no checkpoint is written if all rows fit");
    let (first, compared) = case.score(200, true).unwrap();
    assert!(same(&first, &whole));
    let checkpoints = case.checkpoints();
    assert!(checkpoints.len() > 4, "{checkpoints:?}");
    // Act as if a kill had come before these were written.
    checkpoints.iter().step_by(2).for_each(|path| std::fs::remove_file(path).unwrap());
    let modified = |path: &PathBuf| path.metadata().unwrap().modified().unwrap();
    let kept: Vec<_> = case.checkpoints().iter().map(modified).collect();
    let (again, compared_in_both) = case.score(200, true).unwrap();
    assert!(same(&again, &whole));
    assert_eq!(compared_in_both, compared);
    assert_eq!(case.checkpoints(), checkpoints);
    let now = checkpoints.iter().skip(1).step_by(2).map(modified);
    assert!(now.eq(kept), "a part was compared again");
    // Another limit divides the rows differently, and checkpoints of other parts are not used.
    assert!(same(&case.score(216, true).unwrap().0, &whole));
    remove_checkpoints(case.folder.path()).unwrap();
    assert!(same(&case.score(200, false).unwrap().0, &whole));
    assert!(!case.folder.path().join(FOLDER).exists());
}

#[test]
fn a_damaged_checkpoint_is_an_error_that_names_it() {
    let case = Case::new();
    case.score(200, true).unwrap();
    let path = case.checkpoints().swap_remove(1);
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    let mut many = whole.clone();
    many[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    for damaged in [&whole[..whole.len() - 1], &whole[..20], &flipped, &longer, &many, &[]] {
        std::fs::write(&path, damaged).unwrap();
        let error = case.score(200, true).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains("delete this file")));
    }
    std::fs::write(&path, &whole).unwrap();
    case.score(200, true).unwrap();
}

#[test]
fn a_part_with_a_checkpoint_of_another_stage_is_compared_again() {
    let case = Case::new();
    let (whole, _) = case.score(200, true).unwrap();
    let contents = || case.checkpoints().iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    let ours = contents();
    // Act as if an interrupted run of another stage wrote its checkpoints late.
    case.score_as("another", 200, true).unwrap();
    let theirs = std::fs::read(&case.checkpoints()[0]).unwrap();
    assert!(theirs != ours[0] && theirs.len() == ours[0].len());
    assert!(same(&case.score(200, true).unwrap().0, &whole));
    assert!(contents() == ours);
}

#[test]
fn a_checkpoint_that_cannot_be_read_now_is_not_called_damaged() {
    let path = Path::new("clusters-0-1.found");
    let is_damage = |kind: ErrorKind| unread(path, kind.into()).to_string().contains("is damaged");
    assert!(is_damage(ErrorKind::UnexpectedEof));
    assert!(!is_damage(ErrorKind::TimedOut) && !is_damage(ErrorKind::PermissionDenied));
}

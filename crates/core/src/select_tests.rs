use super::*;
use crate::ranking::{Keep, Ranking};

const HARD: Ranking = Ranking { keep: Keep::Hard, seed: 0 };

/// Rows of these scores and similarities, in the paper's order.
fn scored<'a>(score: &'a [f32], similarity: &'a [f32]) -> Scored<'a> {
    Scored { score, order: RankedRows::new(HARD, similarity, &[]) }
}

fn removed(scored: &Scored, goal: Goal) -> Vec<usize> {
    let selection = select(scored, goal).unwrap();
    (0..scored.score.len()).filter(|&row| selection.removed[row]).collect()
}

#[test]
fn a_larger_epsilon_removes_more_and_a_score_at_the_threshold_stays() {
    let scored = scored(&[0.0, 0.5, 0.75, 1.0], &[0.5; 4]);
    let at = |epsilon| removed(&scored, Goal::Epsilon(Epsilon::new(epsilon).unwrap()));
    assert_eq!(at(1e-9), [3]);
    assert_eq!(at(0.25), [3]);
    assert_eq!(at(0.26), [2, 3]);
    assert_eq!(at(1.0), [1, 2, 3]);
}

#[test]
fn a_similarity_removes_what_its_epsilon_removes() {
    let scored = scored(&[0.0, 0.5, 0.75, 0.9, 1.0], &[0.5; 5]);
    for (similarity, goes) in [(0.5, vec![2, 3, 4]), (0.9, vec![4]), (0.76, vec![3, 4])] {
        let similarity = Similarity::new(similarity).unwrap();
        assert_eq!(removed(&scored, Goal::Similarity(similarity)), goes);
        let same = select(&scored, Goal::Epsilon(similarity.epsilon())).unwrap();
        assert_eq!(select(&scored, Goal::Similarity(similarity)).unwrap(), same);
    }
}

#[test]
fn a_target_size_is_met_exactly_with_ties_by_rank_then_row() {
    let scored = scored(&[0.9, 0.9, 0.9, 0.9, 0.2], &[0.3, 0.1, 0.3, 0.2, 0.9]);
    assert_eq!(removed(&scored, Goal::KeepRows(5)), Vec::<usize>::new());
    assert_eq!(removed(&scored, Goal::KeepRows(4)), [2]);
    assert_eq!(removed(&scored, Goal::KeepRows(3)), [0, 2]);
    assert_eq!(removed(&scored, Goal::KeepFraction(0.4)), [0, 2, 3]);
    assert_eq!(removed(&scored, Goal::KeepRows(0)), [0, 1, 2, 3, 4]);
    let selection = select(&scored, Goal::KeepRows(3)).unwrap();
    assert!((selection.epsilon - 0.1).abs() < 1e-6);
}

#[test]
fn a_target_size_that_cuts_through_equal_scores_reaches_all_of_them_and_one_between_scores_is_an_epsilon() {
    let scored = scored(&[0.0, 1.0, 1.0, 1.0, 0.5], &[0.5; 5]);
    let cut = |rows| select(&scored, Goal::KeepRows(rows)).unwrap().cut;
    let reached =
        |rows| cut(rows).map(|cut| scored.score.iter().filter(|&&score| cut.reaches(score)).count());
    assert_eq!([5, 4, 3, 2, 1, 0].map(reached), [None, Some(3), Some(3), Some(3), Some(4), Some(5)]);
    assert_eq!([4, 3].map(cut), [Some(Cut::Through(1.0)); 2]);
    assert_eq!(
        [2, 1].map(|rows| cut(rows).unwrap()),
        [0.5, 1.0].map(|e| Cut::Above(Epsilon::new(e).unwrap()))
    );
    assert_eq!(cut(0), Some(Cut::Through(0.0)));
    let at = Epsilon::new(0.25).unwrap();
    assert_eq!(select(&scored, Goal::Epsilon(at)).unwrap().cut, Some(Cut::Above(at)));
}

#[test]
fn a_target_size_keeps_the_rows_that_come_first_by_score_and_then_by_rank() {
    let value = |i: u64, steps| (crate::random::bits(7, 1, i) % steps) as f32 / steps as f32;
    let (score, similarity): (Vec<f32>, Vec<f32>) =
        (0..300).map(|i| (value(i, 5), 0.1 + value(1000 + i, 4))).unzip();
    let ranks: Vec<u32> = (0..300).map(|i| u32::MAX - (crate::random::bits(8, 1, i) % 6) as u32).collect();
    for (keep, ranks) in Keep::ALL.into_iter().flat_map(|keep| [(keep, &[][..]), (keep, &ranks)]) {
        let order = RankedRows::new(Ranking { keep, seed: 3 }, &similarity, ranks);
        let scored = Scored { score: &score, order };
        let mut sorted: Vec<usize> = (0..300).collect();
        sorted.sort_by_key(|&row| (score[row].to_bits(), order.key(row as u64)));
        for kept in [0, 1, 37, 150, 299, 300] {
            let selection = select(&scored, Goal::KeepRows(kept as u64)).unwrap();
            let (first, last) = sorted.split_at(kept);
            assert!(first.iter().all(|&row| !selection.removed[row]), "{keep:?}, {kept}");
            assert!(last.iter().all(|&row| selection.removed[row]), "{keep:?}, {kept}");
        }
    }
}

#[test]
fn a_row_without_a_score_does_not_count() {
    let scored = scored(&[0.9, f32::NAN, 0.2, 0.5], &[0.5, f32::NAN, 0.5, 0.5]);
    assert_eq!(removed(&scored, Goal::Epsilon(Epsilon::new(1.0).unwrap())), [0, 2, 3]);
    assert_eq!(removed(&scored, Goal::KeepRows(2)), [0]);
    let error = select(&scored, Goal::KeepRows(4)).unwrap_err();
    assert_eq!(error, GoalError::TooMany { wanted: 4, rows: 3 });
}

#[test]
fn a_target_size_never_removes_a_row_that_was_not_compared_and_is_an_error_if_it_would_have_to() {
    let scored = scored(&[0.0, 0.9, 0.0], &[0.0, 0.4, f32::NAN]);
    assert_eq!(removed(&scored, Goal::KeepRows(2)), [1]);
    assert_eq!(select(&scored, Goal::KeepRows(1)), Err(GoalError::TooFew { wanted: 1, undirected: 2 }));
    assert_eq!(select(&scored, Goal::KeepRows(4)), Err(GoalError::TooMany { wanted: 4, rows: 3 }));
    assert_eq!(select(&scored, Goal::KeepFraction(1.5)), Err(GoalError::Fraction(1.5)));
}

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;
use crate::ranking::{Keep, Ranking};
use crate::scoring::score::NO_ROW;

/// Rows on a circle, as turns, in a rank order of their own. Rows of equal turns are copies.
#[derive(Debug, Clone)]
struct Case {
    turns: Vec<u16>,
    ranking: Ranking,
    epsilon: Epsilon,
}

impl Case {
    fn key(&self, row: u64) -> RankKey {
        self.ranking.key(0.0, row)
    }

    fn similarity(&self, a: u64, b: u64) -> f32 {
        let turns = |row: u64| f32::from(self.turns[row as usize]) / 65_536.0 * std::f32::consts::TAU;
        if self.turns[a as usize] == self.turns[b as usize] {
            1.0
        } else {
            (turns(a) - turns(b)).cos().min(0.999_999)
        }
    }

    fn rows(&self) -> std::ops::Range<u64> {
        0..self.turns.len() as u64
    }

    /// Lists the rows that rank before one, the most similar first.
    fn earlier(&self, row: u64) -> Vec<(u64, f32)> {
        let before = self.rows().filter(|&other| self.key(other) < self.key(row));
        let mut before: Vec<_> = before.map(|other| (other, self.similarity(row, other))).collect();
        before.sort_by(|a, b| b.1.total_cmp(&a.1).then(self.key(a.0).cmp(&self.key(b.0))));
        before
    }

    /// The rule in the plainest words. Returns the row that stands for each row that goes.
    fn walk(&self) -> Vec<u64> {
        let mut order: Vec<u64> = self.rows().collect();
        order.sort_by_key(|&row| self.key(row));
        let mut kept_as = vec![NO_ROW; self.turns.len()];
        for row in order {
            let earlier = self.earlier(row);
            let near = earlier.iter().filter(|(_, similarity)| self.is_near(*similarity));
            let kept = near.into_iter().find(|(other, _)| kept_as[*other as usize] == NO_ROW);
            kept_as[row as usize] = kept.map_or(NO_ROW, |(other, _)| *other);
        }
        kept_as
    }

    /// Lists up to `most` pairs of some rows with those that can be found.
    fn pairs(&self, rows: &[u64], most: usize, can_be: &dyn Fn(u64) -> bool) -> EarlierPairs {
        let (mut rows, mut pairs) = (rows.to_vec(), EarlierPairs::default());
        rows.sort_unstable();
        for row in rows {
            let near = self.earlier(row).into_iter().filter(|(_, similarity)| self.is_near(*similarity));
            let found = near.filter(|(other, _)| can_be(*other)).take(most);
            found.for_each(|(other, similarity)| pairs.push(row, other, similarity));
        }
        pairs
    }

    /// Finds the most similar of the rows that can be found, wherever they rank.
    fn nearest(&self, rows: &[u64], can_be: &dyn Fn(u64) -> bool) -> EarlierPairs {
        let mut pairs = EarlierPairs::default();
        for &row in rows {
            if let Some(kept) = self.most_similar(row, can_be) {
                pairs.push(row, kept, self.similarity(row, kept));
            }
        }
        pairs
    }

    fn most_similar(&self, row: u64, can_be: &dyn Fn(u64) -> bool) -> Option<u64> {
        let near = self.rows().filter(|&other| can_be(other) && self.is_near(self.similarity(row, other)));
        near.max_by(|&a, &b| {
            let by_similarity = self.similarity(row, a).total_cmp(&self.similarity(row, b));
            by_similarity.then_with(|| self.key(b).cmp(&self.key(a)))
        })
    }

    /// Decides in rounds. Returns which rows go, and the row that stands for each with its similarity.
    fn in_rounds(&self) -> (Vec<bool>, Vec<Option<(u64, f32)>>) {
        let best = self.rows().map(|row| self.earlier(row).first().copied().unwrap_or((NO_ROW, 0.0)));
        let (duplicate_of, score): (Vec<u64>, Vec<f32>) =
            best.map(|(of, score)| (of, score.max(0.0))).unzip();
        let scores = ScoredPairs { score: &score, duplicate_of: &duplicate_of };
        let mut search = Search { case: self, score: &score, searches: 0 };
        let found = representatives(&scores, |row| self.key(row), self.epsilon, &mut search).unwrap();
        assert!(search.searches <= 2 * self.turns.len() + 1, "a round decided nothing");
        let of = self.rows().map(|row| found.of(row, &scores)).collect();
        (found.removed, of)
    }

    fn is_near(&self, similarity: f32) -> bool {
        f64::from(similarity) > 1.0 - self.epsilon.get()
    }
}

/// A search of all pairs, which stops at fewer pairs than it is asked for.
struct Search<'a> {
    case: &'a Case,
    score: &'a [f32],
    searches: usize,
}

impl PairSearch for Search<'_> {
    type Error = std::convert::Infallible;

    fn nearest(&mut self, rows: &[u64], can_be: RowFilter, _: Epsilon) -> Result<EarlierPairs, Self::Error> {
        self.searches += 1;
        Ok(self.case.nearest(rows, &|row| can_be(row) && self.score[row as usize] != EXACT))
    }

    fn among(&mut self, rows: &[u64], most: usize, _: Epsilon) -> Result<EarlierPairs, Self::Error> {
        self.searches += 1;
        Ok(self.case.pairs(rows, most, &|row| rows.contains(&row)))
    }
}

fn case() -> impl Strategy<Value = Case> {
    let turns = proptest::collection::vec(prop_oneof![any::<u16>(), 0u16..3000, 0u16..9], 0..90);
    (turns, any::<u64>(), 1e-6f64..1.0).prop_map(|(turns, seed, epsilon)| {
        let ranking = Ranking { keep: Keep::Random, seed };
        Case { turns, ranking, epsilon: Epsilon::new(epsilon).unwrap() }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn rounds_decide_as_the_walk_in_rank_order(case in case()) {
        let ((removed, found), mut walk) = (case.in_rounds(), case.walk());
        let gone: Vec<bool> = walk.iter().map(|&kept| kept != NO_ROW).collect();
        prop_assert_eq!(&removed, &gone);
        for row in case.rows().filter(|&row| gone[row as usize]) {
            let best = case.earlier(row)[0].0;
            let nearest = || case.most_similar(row, &|other| !gone[other as usize]).unwrap();
            walk[row as usize] = if gone[best as usize] { nearest() } else { best };
        }
        // What stands for a row stands for its copies.
        for row in case.rows() {
            let is_copy = |other: &u64| case.turns[*other as usize] == case.turns[row as usize];
            let first = case.rows().filter(is_copy).min_by_key(|&other| case.key(other)).unwrap();
            if row != first {
                walk[row as usize] = if gone[first as usize] { walk[first as usize] } else { first };
            }
        }
        for row in case.rows() {
            let expected = Some(walk[row as usize]).filter(|&kept| kept != NO_ROW);
            let expected = expected.map(|kept| (kept, case.similarity(row, kept)));
            prop_assert_eq!(found[row as usize], expected, "row {}", row);
        }
    }
}

#[test]
fn a_row_whose_duplicate_goes_stays_unless_another_row_that_stays_is_near() {
    // Rank order: 0, 1, 2, 3. Row 1 is near row 0, row 2 only near row 1, row 3 near 1 and 2.
    let (score, duplicate_of) = ([0.0, 0.95, 0.95, 0.97], [NO_ROW, 0, 1, 1]);
    let key = |row| Ranking { keep: Keep::Hard, seed: 0 }.key(0.0, row);
    let scores = ScoredPairs { score: &score, duplicate_of: &duplicate_of };
    let mut verdicts = Verdicts::from_scores(&scores, key, Epsilon::new(0.1).unwrap());
    assert_eq!(verdicts.open(), [2, 3]);
    verdicts.remove_similar(&EarlierPairs::default());
    let mut pairs = EarlierPairs::default();
    pairs.push(3, 2, 0.92);
    assert_eq!(verdicts.decide(&pairs, |_| false), [2]);
    assert_eq!(verdicts.state, [State::Stays, State::Goes, State::Stays, State::Goes]);
}

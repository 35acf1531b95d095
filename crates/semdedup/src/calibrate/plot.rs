//! Draws precision and coverage against ε, as SVG that is readable on light and dark pages.

use std::fmt::Write;

use crate::calibrate::curve::LabelledAt;
use crate::calibrate::estimate::Estimate;
use crate::calibrate::report::Calibration;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 420.0;
/// The area of the curves: left, right, top and bottom.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 700.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 360.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #222 } .grid { stroke: #ddd } .axis { stroke: #222 }
.precision { stroke: #0b62a4; fill: none; stroke-width: 2 } .coverage { stroke: #b3550b; fill: none; stroke-width: 2 }
.precision-band { fill: #0b62a4; opacity: 0.18 } .coverage-band { fill: #b3550b; opacity: 0.18 }
.target { stroke: #555; stroke-dasharray: 5 4 } .page { fill: #fff }
@media (prefers-color-scheme: dark) {
text { fill: #e6e6e6 } .grid { stroke: #3a3a3a } .axis { stroke: #e6e6e6 }
.precision { stroke: #63b3f0 } .coverage { stroke: #f0a463 }
.precision-band { fill: #63b3f0 } .coverage-band { fill: #f0a463 } .target { stroke: #bbb } .page { fill: #161616 }
}";

impl Calibration {
    /// Draws precision and coverage against ε, each with its 95 % intervals, as a file of SVG. A dashed
    /// line is at the ε that was chosen, or else at that of the run, and one at the target.
    pub fn svg(&self) -> String {
        let axes = Axes::of(&self.curve);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
             <title>Precision and coverage against epsilon</title>\n<style>\n{STYLE}\n</style>\n\
             <rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\"/>\n"
        );
        axes.draw(&mut svg);
        let curves: [Curve; 2] =
            [("coverage", |at| at.coverage.as_ref()), ("precision", |at| at.precision.as_ref())];
        for curve in curves {
            draw_curve(&mut svg, &axes, &self.curve, curve);
        }
        self.draw_lines(&mut svg, &axes);
        legend(&mut svg);
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_lines(&self, svg: &mut String, axes: &Axes) {
        let chosen = self.choice.as_ref().and_then(|choice| choice.epsilon);
        let (epsilon, label) = match chosen {
            Some(epsilon) => (epsilon, "chosen"),
            None => (self.epsilon, "this run"),
        };
        if (0.0..=axes.most).contains(&epsilon) {
            let x = axes.x(epsilon);
            line(svg, "target", (x, TOP), (x, BOTTOM));
            let (anchor, x) = if x > (LEFT + RIGHT) / 2.0 { ("end", x - 5.0) } else { ("start", x + 5.0) };
            text(svg, (x, BOTTOM - 8.0), anchor, &format!("{label}: ε = {}", short(epsilon)));
        }
        if let Some(choice) = &self.choice {
            let y = Axes::y(choice.target);
            line(svg, "target", (LEFT, y), (RIGHT, y));
        }
    }
}

/// The class of a curve, and what it shows.
type Curve = (&'static str, fn(&LabelledAt) -> Option<&Estimate>);

/// The scales of the plot.
struct Axes {
    /// The largest ε.
    most: f64,
}

impl Axes {
    /// Reaches as far as anything is known.
    fn of(curve: &[LabelledAt]) -> Self {
        let known = curve.iter().filter(|at| at.precision.is_some() || at.coverage.is_some());
        let most = known.map(|at| at.epsilon).fold(0.0, f64::max);
        Self { most: if most > 0.0 { most } else { 0.5 } }
    }

    fn x(&self, epsilon: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * epsilon / self.most
    }

    fn y(share: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * share
    }

    fn draw(&self, svg: &mut String) {
        for tenths in 0..=10 {
            let y = Self::y(f64::from(tenths) / 10.0);
            line(svg, "grid", (LEFT, y), (RIGHT, y));
            if tenths % 2 == 0 {
                text(svg, (LEFT - 8.0, y + 4.0), "end", &format!("{} %", tenths * 10));
            }
        }
        let step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05].into_iter().find(|step| self.most / step <= 10.0);
        let step = step.unwrap_or(0.1);
        for tick in 0..=(self.most / step + 1e-9) as u32 {
            let epsilon = f64::from(tick) * step;
            line(svg, "grid", (self.x(epsilon), TOP), (self.x(epsilon), BOTTOM));
            text(svg, (self.x(epsilon), BOTTOM + 20.0), "middle", &short(epsilon));
        }
        line(svg, "axis", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        line(svg, "axis", (LEFT, TOP), (LEFT, BOTTOM));
        text(svg, ((LEFT + RIGHT) / 2.0, BOTTOM + 44.0), "middle", "ε (a larger ε removes more)");
        text(svg, (LEFT - 8.0, TOP - 20.0), "start", "share, with 95 % intervals");
    }
}

fn draw_curve(svg: &mut String, axes: &Axes, curve: &[LabelledAt], (class, value): Curve) {
    // Where labels say nothing, the curve is interrupted.
    for run in curve.chunk_by(|a, b| value(a).is_some() == value(b).is_some()) {
        let known: Vec<(f64, &Estimate)> =
            run.iter().filter_map(|at| Some((axes.x(at.epsilon), value(at)?))).collect();
        if known.is_empty() {
            continue;
        }
        let points = |share: fn(&Estimate) -> f64| {
            known.iter().map(move |(x, estimate)| point(*x, Axes::y(share(estimate))))
        };
        let lower: Vec<String> = points(|estimate| estimate.interval.0).collect();
        let band: Vec<String> =
            points(|estimate| estimate.interval.1).chain(lower.into_iter().rev()).collect();
        let _ = writeln!(svg, "<polygon class=\"{class}-band\" points=\"{}\"/>", band.join(" "));
        let middle: Vec<String> = points(|estimate| estimate.share).collect();
        let _ = writeln!(svg, "<polyline class=\"{class}\" points=\"{}\"/>", middle.join(" "));
    }
}

fn legend(svg: &mut String) {
    for (place, class) in ["precision", "coverage"].into_iter().enumerate() {
        let x = RIGHT - 220.0 + 120.0 * place as f64;
        line(svg, class, (x, TOP - 24.0), (x + 24.0, TOP - 24.0));
        text(svg, (x + 30.0, TOP - 20.0), "start", class);
    }
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

fn point(x: f64, y: f64) -> String {
    format!("{x:.1},{y:.1}")
}

/// Writes a number with at most four digits after the point.
fn short(number: f64) -> String {
    let digits = format!("{number:.4}");
    digits.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::curve::Curves;
    use crate::calibrate::report::LabelKind;

    fn calibration(shares: &[Option<(u64, u64)>]) -> Calibration {
        let at = |(place, &counts): (usize, &Option<(u64, u64)>)| {
            let precision = counts.and_then(|(count, of)| Estimate::of_labels(count, of));
            LabelledAt { epsilon: (place + 1) as f64 / 10.0, precision, coverage: precision }
        };
        let all: Vec<LabelledAt> = shares.iter().enumerate().map(at).collect();
        let mut calibration = Calibration::new(LabelKind::Pairs, 0.2);
        calibration.finish(Curves { all, halves: [Vec::new(), Vec::new()] }, None);
        calibration
    }

    #[test]
    fn a_plot_has_both_curves_their_bands_and_named_axes_and_no_script() {
        let svg = calibration(&[Some((9, 10)), Some((8, 10)), None, Some((5, 10))]).svg();
        for needed in [
            "class=\"precision\"",
            "class=\"coverage-band\"",
            "ε (a larger",
            "95 %",
            "dark",
            "this run: ε = 0.2",
        ] {
            assert!(svg.contains(needed), "{needed} is not in {svg}");
        }
        // One piece on either side of the gap, for each of two curves.
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<polygon").count()), (4, 4));
        assert!(!svg.contains("<script") && !svg.contains("NaN"));
        // The share 0.9 at ε = 0.1, of 0.4.
        assert!(svg.contains(&point(LEFT + (RIGHT - LEFT) / 4.0, Axes::y(0.9))), "{svg}");
    }

    #[test]
    fn a_plot_of_nothing_is_empty_and_whole() {
        let svg = calibration(&[None]).svg();
        assert!(svg.ends_with("</svg>\n") && !svg.contains("<polyline") && !svg.contains("NaN"));
    }
}

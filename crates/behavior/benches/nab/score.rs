//! NAB's rules, after its paper (Lavin and Ahmad 2015) and its sweeper.

/// What the parts of a score are worth.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    pub name: &'static str,
    pub true_positive: f64,
    pub false_negative: f64,
    pub false_positive: f64,
}

/// The three profiles of `profiles.json`.
pub const PROFILES: [Profile; 3] = [
    Profile { name: "standard", true_positive: 1.0, false_negative: 1.0, false_positive: 0.11 },
    Profile { name: "low-FP", true_positive: 1.0, false_negative: 1.0, false_positive: 0.22 },
    Profile { name: "low-FN", true_positive: 1.0, false_negative: 2.0, false_positive: 0.11 },
];

/// The scores of one series and the windows in which they should be high: first and last index.
#[derive(Clone, Debug)]
pub struct Scored {
    pub scores: Vec<f64>,
    pub windows: Vec<(usize, usize)>,
}

/// What one point is worth if it is an alert: where it counts, and how much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub score: f64,
    /// The window it lies in, none outside.
    pub window: Option<usize>,
    pub worth: f64,
}

/// The first points of a series, which do not count.
pub fn probation(points: usize) -> usize {
    points.min(5_000) * 15 / 100
}

fn sigmoid(position: f64) -> f64 {
    if position >= 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

/// Every point that counts, in order.
pub fn points(series: &Scored, profile: &Profile) -> Vec<Point> {
    let mut windows = series.windows.iter().copied().enumerate().peekable();
    let mut before: Option<(usize, usize)> = None;
    let mut all = Vec::new();
    for (index, &score) in series.scores.iter().enumerate() {
        while let Some(&(_, (first, last))) = windows.peek()
            && index > last
        {
            before = Some((first, last));
            windows.next();
        }
        let inside = windows.peek().copied().filter(|&(_, (first, _))| index >= first);
        let (window, worth) = match inside {
            Some((window, (first, last))) => {
                let position =
                    -(last as f64 - index as f64 + 1.0) / (last as f64 - first as f64 + 1.0);
                (Some(window), sigmoid(position) * profile.true_positive / sigmoid(-1.0))
            }
            None => {
                let position = before.map_or(3.0, |(first, last)| {
                    (index as f64 - last as f64) / (last as f64 - first as f64)
                });
                (None, sigmoid(position) * profile.false_positive)
            }
        };
        if index >= probation(series.scores.len()) {
            all.push(Point { score, window, worth });
        }
    }
    all
}

/// The corpus's raw score with the one threshold for all series that is best, and that threshold:
/// for each window the best alert in it or what its absence costs, and the cost of alerts outside.
pub fn sweep(all: &[Vec<Point>], profile: &Profile) -> Vec<(f64, f64)> {
    let mut best: std::collections::BTreeMap<(usize, usize), f64> =
        std::collections::BTreeMap::new();
    let mut sum = 0.0;
    let mut order: Vec<(usize, Point)> = Vec::new();
    for (series, points) in all.iter().enumerate() {
        for point in points {
            if let Some(window) = point.window
                && best.insert((series, window), -profile.false_negative).is_none()
            {
                sum -= profile.false_negative;
            }
            order.push((series, *point));
        }
    }
    order.sort_by(|(_, one), (_, other)| other.score.total_cmp(&one.score));
    let mut raw = vec![(f64::INFINITY, sum)];
    for (index, (series, point)) in order.iter().enumerate() {
        match point.window {
            Some(window) => {
                let known = best.entry((*series, window)).or_insert(0.0);
                sum += (point.worth - *known).max(0.0);
                *known = known.max(point.worth);
            }
            None => sum += point.worth,
        }
        if order.get(index + 1).is_none_or(|(_, next)| next.score < point.score) {
            raw.push((point.score, sum));
        }
    }
    raw
}

/// The corpus's score, 0 for a detector that is silent and 100 for a perfect one, with the one
/// threshold for all series that is best, and that threshold.
pub fn normalized(corpus: &[Scored], profile: &Profile) -> (f64, f64) {
    let all: Vec<Vec<Point>> = corpus.iter().map(|series| points(series, profile)).collect();
    let windows: usize = corpus.iter().map(|series| series.windows.len()).sum();
    let null = -profile.false_negative * windows as f64;
    let perfect = profile.true_positive * windows as f64;
    let best = sweep(&all, profile).into_iter().filter(|(threshold, _)| *threshold > 0.0);
    let (at, best) =
        best.fold((f64::INFINITY, null), |best, next| if next.1 > best.1 { next } else { best });
    (100.0 * (best - null) / (perfect - null), at)
}

/// The cases of NAB's own tests of its sweeper, and what follows from its paper.
pub fn verify() {
    assert_eq!([100, 5_000, 6_000].map(probation), [15, 750, 750]);
    let standard = &PROFILES[0];
    // Its testCalcScoreByThresholdReturnsExpectedScores: a window missed costs 5.
    let profile =
        Profile { name: "", true_positive: 1.0, false_negative: 5.0, false_positive: 1.0 };
    let point = |score, worth, window| Point { score, window, worth };
    let points_of = [
        point(0.0, -3.0, None),
        point(0.2, 20.0, Some(0)),
        point(0.3, 10.0, Some(0)),
        point(0.5, 5.0, Some(1)),
        point(0.5, -3.0, None),
    ];
    let expected = [(f64::INFINITY, -10.0), (0.5, -3.0), (0.3, 12.0), (0.2, 22.0), (0.0, 19.0)];
    assert_eq!(sweep(&[points_of.to_vec()], &profile), expected);
    // Its testCalcSweepScoreWindowScoreInteraction: windows 30..=39 and 75..=95 of a hundred points.
    let series = Scored { scores: vec![1.0; 100], windows: vec![(30, 39), (75, 95)] };
    let all = points(&series, standard);
    assert_eq!(all.len(), 85);
    assert_eq!(all.iter().filter(|point| point.window.is_some()).count(), 31);
    assert!(all.iter().all(|point| point.window.is_some() == (point.worth > 0.0)));
    // The docstring of its sigmoid: 0.98661 at the left edge, 0.84828 half way, -1 far behind.
    for (position, want) in
        [(-1.0, 0.986_61), (-0.5, 0.848_28), (0.0, 0.0), (1.0, -0.986_61), (3.0, -1.0)]
    {
        assert!((sigmoid(position) - want).abs() < 1e-5);
    }
    // Silence is worth 0, an alert at the first point of every window and nowhere else 100.
    let silent = Scored { scores: vec![0.0; 100], ..series.clone() };
    let mut perfect = silent.clone();
    perfect.scores[30] = 1.0;
    perfect.scores[75] = 1.0;
    for profile in &PROFILES {
        assert!(normalized(std::slice::from_ref(&silent), profile).0.abs() < 1e-12);
        let score = normalized(std::slice::from_ref(&perfect), profile).0;
        assert!((score - 100.0).abs() < 1e-9, "{score}");
    }
}

use rand_distr::StandardNormal;

use super::*;

/// 200 pairs in 12 sequences of 10 to 30 poses, the same as the NumPy script's.
fn example() -> (Vec<f64>, Vec<f64>, Vec<i32>) {
    let sequences: Vec<i32> = (0..200).map(|i| i * i % 41 % 12).collect();
    let pose = |i: usize| 1.3 * i as f64;
    let values = (0..200).map(|i| pose(i).sin() + 0.3 * f64::from(sequences[i]).cos()).collect();
    let reference = (0..200).map(|i| 0.8 * (pose(i) + 0.2).sin() - 0.1).collect();
    (values, reference, sequences)
}

#[test]
fn agrees_with_numpy() {
    // S, C the sums of d = values - reference and the lengths of the K sequences, k = rng.integers(0, K, (1000000, K)):
    // d.mean(), np.percentile(S[k].sum(1) / C[k].sum(1), [2.5, 97.5]) and the deviation of the resamples. Then the same
    // with each pose a sequence.
    let (values, reference, sequences) = example();
    for (sequences, low, high, deviation) in
        [(Some(&sequences[..]), -0.04639137, 0.19804141, 0.06268935), (None, 0.02952538, 0.10610775, 0.01956565)]
    {
        let got = paired_bootstrap(&values, &reference, sequences, 50_000, 1).unwrap();
        // 200 numbers summed in another order.
        assert!((got.mean - 0.06772751242187935).abs() < 1e-14, "{got:?}");
        // The end of B resamples varies by sqrt(0.025 * 0.975 / B) / 0.0584 = 0.012 deviations, 0.0584 being the
        // density of a normal distribution there. Five times that.
        for (got, expected) in [(got.low, low), (got.high, high)] {
            assert!((got - expected).abs() < 0.06 * deviation, "{got} {expected}");
        }
    }
}

#[test]
fn quantiles_agree_with_numpy() {
    // np.percentile([1, 2, 4, 8, 16], [2.5, 97.5])
    let [low, high] = QUANTILES.map(|q| quantile(&[1.0, 2.0, 4.0, 8.0, 16.0], q));
    assert!((low - 1.1).abs() < 1e-12 && (high - 15.2).abs() < 1e-12, "{low} {high}");
    assert_eq!(QUANTILES.map(|q| quantile(&[3.0], q)), [3.0, 3.0]);
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say_if_sequences_stay_whole() {
    const TRIALS: u32 = 400;
    const TRUTH: f64 = 0.7;
    let sequences: Vec<i32> = (0..240).map(|pose| pose / 4).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut normal = || rng.sample::<f64, _>(StandardNormal);
    let (mut whole, mut torn) = (0, 0);
    for trial in 0..TRIALS {
        // What a sequence shares is as large as what sets its poses apart.
        let shared: Vec<f64> = (0..60).map(|_| normal()).collect();
        let reference: Vec<f64> = (0..240).map(|_| normal()).collect();
        let noise = |(pose, reference): (usize, &f64)| reference + TRUTH + shared[pose / 4] + normal();
        let values: Vec<f64> = reference.iter().enumerate().map(noise).collect();
        let holds = |sequences| {
            let interval = paired_bootstrap(&values, &reference, sequences, 1000, trial.into()).unwrap();
            interval.low <= TRUTH && TRUTH <= interval.high
        };
        whole += u32::from(holds(Some(&sequences)));
        torn += u32::from(holds(None));
    }
    // With 60 sequences a percentile interval holds the truth in P(|t_59| < 1.96 sqrt(59 / 60)) = 94.3 % of the trials,
    // give or take sqrt(0.943 * 0.057 / 400) = 1.2 %. Four times that.
    let [whole, torn] = [whole, torn].map(|count| f64::from(count) / f64::from(TRIALS));
    assert!((whole - 0.943).abs() < 0.048, "{whole}");
    // A mean of 4 poses has variance 1 + 1 / 4; taken as independent they seem to have 2 / 4, less by a factor of 2.5:
    // P(|z| < 1.96 / sqrt(2.5)) = 78.5 %, give or take 2.1 %.
    assert!((torn - 0.785).abs() < 0.082, "{torn}");
}

#[test]
fn a_seed_gives_the_same_bits_and_only_the_ends_depend_on_it() {
    let (values, reference, sequences) = example();
    let run = |seed| paired_bootstrap(&values, &reference, Some(&sequences), RESAMPLES, seed).unwrap();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).low, run(2).low);
    assert_eq!(run(1).mean, run(2).mean);
    // The ids themselves do not matter, only their order.
    let renamed: Vec<i32> = sequences.iter().map(|id| 3 * id - 7).collect();
    assert_eq!(run(1), paired_bootstrap(&values, &reference, Some(&renamed), RESAMPLES, 1).unwrap());
}

#[test]
fn where_nothing_can_be_told_there_is_no_interval() {
    let run = |values: &[f64], sequences: Option<&[i32]>| paired_bootstrap(values, &[0.0; 3], sequences, 100, 0);
    assert_eq!(run(&[], None), None);
    assert_eq!(run(&[1.0], None), None);
    assert_eq!(run(&[1.0, 2.0, 3.0], Some(&[4, 4, 4])), None, "one sequence has no spread");
    assert_eq!(run(&[1.0, 2.0, 3.0], Some(&[])), None);
    assert_eq!(run(&[1.0, f64::INFINITY, 3.0], None), None);
    assert_eq!(paired_bootstrap(&[1.0, 2.0], &[0.0; 2], None, 0, 0), None);
    let equal = run(&[2.0; 3], Some(&[1, 1, 2])).unwrap();
    assert_eq!(equal, Interval { mean: 2.0, low: 2.0, high: 2.0 });
    // Of unequal lengths the shorter counts.
    assert_eq!(run(&[1.0, 5.0, 3.0, 99.0], None).unwrap().mean, 3.0);
    assert_eq!(run(&[1.0, 5.0, 3.0], Some(&[0, 1])).unwrap().mean, 3.0);
}

use super::*;

#[test]
fn an_epsilon_of_zero_above_one_or_nan_is_an_error() {
    for bad in [0.0, 1e-17, -0.1, 1.01, 3.0, f64::NAN, f64::INFINITY] {
        assert!(Epsilon::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_similarity_is_exactly_the_epsilon_that_its_decimals_say() {
    for (similarity, epsilon) in [
        (0.9, 0.1),
        (0.93, 0.07),
        (0.95, 0.05),
        (0.999, 0.001),
        (0.05, 0.95),
        (0.5, 0.5),
        (0.0, 1.0),
        (0.123, 0.877),
    ] {
        let said = Similarity::new(similarity).unwrap();
        assert_eq!((said.get(), said.epsilon().get()), (similarity, epsilon));
        assert_eq!(said.epsilon().similarity(), similarity);
    }
    // The difference of the binary numbers is another ε.
    assert!((1.0 - 0.9f64).to_bits() != 0.1f64.to_bits());
    for hundredth in 1..1000 {
        let (similarity, epsilon) = (f64::from(hundredth) / 1000.0, f64::from(1000 - hundredth) / 1000.0);
        assert_eq!(Similarity::new(similarity).unwrap().epsilon().get(), epsilon);
    }
    let least = Similarity::new(f64::MIN_POSITIVE).unwrap().epsilon();
    assert!(least.get() <= 1.0 && Similarity::new(1.0 - f64::EPSILON).unwrap().epsilon().get() > 0.0);
}

#[test]
fn a_similarity_below_zero_of_one_or_nan_is_an_error() {
    for bad in [1.0, 1.5, 95.0, -0.1, f64::NAN, f64::INFINITY] {
        assert!(Similarity::new(bad).is_err(), "{bad}");
    }
}

//! Dice with a fixed seed.

/// splitmix64.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In 0..1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / 9_007_199_254_740_992.0
    }

    pub fn below(&mut self, sides: u64) -> u64 {
        self.bits() % sides
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Marsaglia and Tsang 2000, of mean 1.
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let boost = (1.0 - self.uniform()).powf(1.0 / shape);
            return self.gamma(shape + 1.0) * (shape + 1.0) / shape * boost;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && (1.0 - self.uniform()).ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v / shape;
            }
        }
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u64;
        }
        let limit = (-mean).exp();
        let (mut count, mut product) = (0, self.uniform());
        while product > limit {
            count += 1;
            product *= self.uniform();
        }
        count
    }

    /// A count of this mean whose variance is `scatter` times that.
    pub fn count(&mut self, mean: f64, scatter: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        let mixed = if scatter > 1.0 { mean * self.gamma(mean / (scatter - 1.0)) } else { mean };
        self.poisson(mixed)
    }

    /// How many of `count` with a probability.
    pub fn share(&mut self, count: u64, probability: f64) -> u64 {
        let mean = count as f64 * probability;
        if count < 30 {
            (0..count).filter(|_| self.uniform() < probability).count() as u64
        } else if mean < 20.0 {
            self.poisson(mean).min(count)
        } else {
            let deviation = (mean * (1.0 - probability)).sqrt();
            ((mean + deviation * self.normal()).round().max(0.0) as u64).min(count)
        }
    }
}

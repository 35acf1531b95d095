//! Products of 16-bit integers with the instructions of the processor. Sums are 32-bit integers, so
//! all instruction sets give the same bits.

/// An instruction set. A *panel* is the block of output channels that is summed at once. An `i32`
/// that is multiplied holds two factors of 16 bits.
pub(super) trait Lanes: Copy {
    /// The sums of a panel in memory.
    type Block: bytemuck::Pod + AsRef<[i32]> + AsMut<[i32]>;
    /// The sums of a panel in registers.
    type Panel: Copy;
    /// Two factors, repeated.
    type Pair: Copy;
    /// The number of output channels of a panel.
    const PANEL: usize = size_of::<Self::Block>() / 4;

    /// Loads sums from memory.
    fn load(self, block: Self::Block) -> Self::Panel;
    /// Stores sums in memory.
    fn store(self, panel: Self::Panel) -> Self::Block;
    /// Repeats two factors in all lanes.
    fn repeat(self, pair: i32) -> Self::Pair;
    /// Adds to each lane the sum of its two products.
    fn add_products(self, sums: Self::Panel, a: Self::Pair, b: Self::Panel) -> Self::Panel;
}

/// A computation that is compiled once for each instruction set. `run` must be `#[inline(always)]`.
pub(super) trait Job {
    /// Runs the computation.
    fn run<L: Lanes>(self, lanes: L);
}

/// The instruction sets, the best last.
#[derive(Debug, Clone, Copy)]
pub(super) enum Isa {
    /// Plain Rust, which the compiler turns into SSE2 or NEON.
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
}

impl Isa {
    /// Returns the instruction sets of this processor, the best last.
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(pulp::x86::V3::try_new().map(Self::Avx2));
            all.extend(pulp::x86::V4::try_new().map(Self::Avx512));
        }
        all
    }

    /// Returns the best instruction set of this processor.
    pub(super) fn best() -> Self {
        Self::all().pop().unwrap_or(Self::Portable)
    }

    /// Returns the number of output channels of a panel.
    pub(super) fn panel(self) -> usize {
        match self {
            Self::Portable => Portable::PANEL,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => pulp::x86::V3::PANEL,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => pulp::x86::V4::PANEL,
        }
    }

    /// Runs a computation with these instructions.
    pub(super) fn run(self, job: impl Job) {
        match self {
            Self::Portable => job.run(Portable),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(lanes) => lanes.vectorize(x86::Call { lanes, job }),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(lanes) => lanes.vectorize(x86::Call { lanes, job }),
        }
    }
}

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Lanes for Portable {
    type Block = [i32; 8];
    type Panel = [i32; 8];
    type Pair = [i16; 2];

    #[inline(always)]
    fn load(self, block: Self::Block) -> Self::Panel {
        block
    }

    #[inline(always)]
    fn store(self, panel: Self::Panel) -> Self::Block {
        panel
    }

    #[inline(always)]
    fn repeat(self, pair: i32) -> Self::Pair {
        [pair as i16, (pair >> 16) as i16]
    }

    #[inline(always)]
    fn add_products(self, mut sums: Self::Panel, [a, b]: Self::Pair, factors: Self::Panel) -> Self::Panel {
        for (sum, factors) in sums.iter_mut().zip(factors) {
            let first = i32::from(a).wrapping_mul(i32::from(factors as i16));
            let second = i32::from(b).wrapping_mul(factors >> 16);
            *sum = sum.wrapping_add(first).wrapping_add(second);
        }
        sums
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod x86 {
    //! `pmaddwd` on 8 or 16 lanes.

    use std::arch::x86_64::{__m256i, __m512i};

    use pulp::{NullaryFnOnce, cast};

    use crate::mobilenet::lanes::{Job, Lanes};

    /// A call of a job. It is a struct, because `pulp` cannot inline a closure into code for other
    /// instructions.
    pub(crate) struct Call<L, J> {
        pub(super) lanes: L,
        pub(super) job: J,
    }

    impl<L: Lanes, J: Job> NullaryFnOnce for Call<L, J> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.job.run(self.lanes);
        }
    }

    impl Lanes for pulp::x86::V3 {
        type Block = [i32; 8];
        type Panel = __m256i;
        type Pair = __m256i;

        #[inline(always)]
        fn load(self, block: Self::Block) -> Self::Panel {
            cast(block)
        }

        #[inline(always)]
        fn store(self, panel: Self::Panel) -> Self::Block {
            cast(panel)
        }

        #[inline(always)]
        fn repeat(self, pair: i32) -> Self::Pair {
            self.avx._mm256_set1_epi32(pair)
        }

        #[inline(always)]
        fn add_products(self, sums: Self::Panel, a: Self::Pair, b: Self::Panel) -> Self::Panel {
            self.avx2._mm256_add_epi32(sums, self.avx2._mm256_madd_epi16(a, b))
        }
    }

    impl Lanes for pulp::x86::V4 {
        type Block = [i32; 16];
        type Panel = __m512i;
        type Pair = __m512i;

        #[inline(always)]
        fn load(self, block: Self::Block) -> Self::Panel {
            cast(block)
        }

        #[inline(always)]
        fn store(self, panel: Self::Panel) -> Self::Block {
            cast(panel)
        }

        #[inline(always)]
        fn repeat(self, pair: i32) -> Self::Pair {
            self.avx512f._mm512_set1_epi32(pair)
        }

        #[inline(always)]
        fn add_products(self, sums: Self::Panel, a: Self::Pair, b: Self::Panel) -> Self::Panel {
            self.avx512f._mm512_add_epi32(sums, self.avx512bw._mm512_madd_epi16(a, b))
        }
    }
}

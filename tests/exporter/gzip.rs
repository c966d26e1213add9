//! A member that is put together from segments, as others read it.

use std::io::Read;

use flate2::read::GzDecoder;
use nectar_exporter::gzip::{self, Deflater, Sum};
use proptest::collection::vec;
use proptest::prelude::*;

/// Nothing, text that packs well, and bytes that do not pack at all.
fn segment() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        (0_usize..60_000).prop_map(|length| b"nectar_connections{company_id="
            .iter()
            .copied()
            .cycle()
            .take(length)
            .collect()),
        vec(any::<u8>(), 0..40_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn segments_in_any_number_and_order_make_one_member(segments in vec(segment(), 0..6), spare in 0_usize..40_000) {
        let plain = segments.concat();
        // ConnectionLimiter for some of it, to the byte for some.
        let mut packed = Vec::with_capacity(spare);
        packed.extend_from_slice(&gzip::HEAD);
        let (mut deflater, mut sum) = (Deflater::default(), Sum::default());
        for segment in &segments {
            deflater.segment(segment, &mut packed).unwrap();
            sum = sum.then(Sum::of(segment));
        }
        prop_assert_eq!(sum, Sum::of(&plain));
        packed.extend(sum.tail());

        // It checks length and checksum.
        let mut decoder = GzDecoder::new(&packed[..]);
        let mut unpacked = Vec::new();
        decoder.read_to_end(&mut unpacked).unwrap();
        prop_assert!(unpacked == plain, "other bytes came out");
        prop_assert!(decoder.into_inner().is_empty(), "bytes behind the member");
    }
}

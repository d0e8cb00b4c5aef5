//! Writing values that are not counted here.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::MetricType,
};

/// Begins a metric without labels.
pub fn describe<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    name: &'static str,
    help: &'static str,
    kind: MetricType,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, kind)
}

/// Writes a metric with labels.
pub fn family<L: EncodeLabelSet, V: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &'static str,
    help: &'static str,
    kind: MetricType,
    series: impl Iterator<Item = (L, V)>,
) -> fmt::Result {
    let mut described = describe(encoder, name, help, kind)?;
    for (labels, value) in series {
        value.encode(described.encode_family(&labels)?)?;
    }
    Ok(())
}

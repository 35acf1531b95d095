//! The built-in image model: MobileNetV1 1.0 224, quantized, without its classifier.
//!
//! `resize` squeezes an image into the network's square, `network` computes it with the
//! instructions of `lanes`, and `weights` reads the weights from a `.tflite` through `flat`.
mod flat;
mod lanes;
mod model;
mod network;
mod resize;
#[cfg(test)]
mod tests;
mod weights;

pub use model::MobileNet;

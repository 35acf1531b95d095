//! The built-in image model: MobileNetV1 1.0 224, quantized, without its classifier.
//!
//! `resize` squeezes an image into the network's square, `network` computes it with the `kernels` of
//! the processor (`isa`), and `weights` reads the weights from a `.tflite` through `flat` and packs
//! them into `layers`.
mod flat;
mod isa;
mod kernels;
mod layers;
mod model;
mod network;
mod resize;
#[cfg(test)]
mod tests;
mod weights;

pub use model::MobileNet;

//! Pretrained models that turn texts into embeddings.

//! Numbers: embeddings, tensors and indexes.

use super::kind::{FileKind, Group, never};
use super::marks;

/// Files of numbers.
pub(super) static KINDS: [FileKind; 13] = [
    FileKind {
        what: "a NumPy array (.npy), which holds embeddings, not rows",
        remedy: "--embeddings FILE takes it",
        group: Group::Matrix,
        extensions: &["npy"],
        begins: |bytes| bytes.starts_with(b"\x93NUMPY"),
    },
    FileKind {
        what: "an archive of NumPy arrays (.npz), which holds embeddings, not rows",
        remedy: "--embeddings FILE takes it",
        group: Group::Matrix,
        extensions: &["npz"],
        begins: marks::npz,
    },
    FileKind {
        what: "a safetensors file, which holds embeddings, not rows",
        remedy: "--embeddings FILE takes it",
        group: Group::Matrix,
        extensions: &["safetensors"],
        begins: never,
    },
    FileKind {
        what: "a PyTorch file, which is never read: loading it runs the code that is in it",
        remedy: "if you trust it, in Python: numpy.save('embeddings.npy', torch.load('FILE').float().numpy()), for --embeddings",
        group: Group::Array,
        extensions: &["pt", "pth", "ckpt"],
        begins: marks::pytorch,
    },
    FileKind {
        what: "a Python pickle, which is never read: loading it runs the code that is in it",
        remedy: "if you trust it, in Python: pandas.read_pickle('FILE').to_parquet('rows.parquet') for a table, numpy.save('embeddings.npy', pandas.read_pickle('FILE')) for an array",
        group: Group::Array,
        extensions: &["pkl", "pickle", "joblib"],
        begins: marks::pickle,
    },
    FileKind {
        what: "an HDF5 file",
        remedy: "in Python: numpy.save('embeddings.npy', h5py.File('FILE')['NAME'][:]) for embeddings, pandas.read_hdf('FILE').to_parquet('rows.parquet') for a table",
        group: Group::Array,
        extensions: &["h5", "hdf5", "hdf", "he5"],
        begins: |bytes| bytes.starts_with(b"\x89HDF\r\n\x1a\n"),
    },
    FileKind {
        what: "a FAISS index",
        remedy: "write its vectors, in Python: index = faiss.read_index('FILE'); numpy.save('embeddings.npy', index.reconstruct_n(0, index.ntotal)), for --embeddings",
        group: Group::Array,
        extensions: &["faiss"],
        begins: marks::faiss,
    },
    FileKind {
        what: "a file of vectors of f32 (.fvecs)",
        remedy: "in Python: x = numpy.fromfile('FILE', 'int32'); numpy.save('embeddings.npy', x.reshape(-1, x[0] + 1)[:, 1:].copy().view('float32')), for --embeddings",
        group: Group::Array,
        extensions: &["fvecs"],
        begins: never,
    },
    FileKind {
        what: "a file of vectors of f32 (.fbin)",
        remedy: "in Python: numpy.save('embeddings.npy', numpy.fromfile('FILE', 'float32', offset=8).reshape(numpy.fromfile('FILE', 'uint32', 2))), for --embeddings",
        group: Group::Array,
        extensions: &["fbin"],
        begins: never,
    },
    FileKind {
        what: "a file of vectors of integers",
        remedy: "write the vectors as floats, in Python: numpy.save('embeddings.npy', vectors.astype('float32')), for --embeddings",
        group: Group::Array,
        extensions: &["bvecs", "ivecs", "u8bin", "i8bin", "ibin"],
        begins: never,
    },
    FileKind {
        what: "a Zarr array",
        remedy: "in Python: numpy.save('embeddings.npy', zarr.open('FILE')[:]), for --embeddings",
        group: Group::Folder,
        extensions: &["zarr"],
        begins: never,
    },
    FileKind {
        what: "a MATLAB file",
        remedy: "in Python: numpy.save('embeddings.npy', scipy.io.loadmat('FILE')['NAME']), for --embeddings",
        group: Group::Array,
        extensions: &["mat"],
        begins: |bytes| bytes.starts_with(b"MATLAB 5.0 MAT-file"),
    },
    FileKind {
        what: "a model file (GGUF)",
        remedy: "name the data; --model takes models",
        group: Group::Array,
        extensions: &["gguf"],
        begins: |bytes| bytes.starts_with(b"GGUF") && bytes.get(5..8) == Some(&[0; 3]),
    },
];

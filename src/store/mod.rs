//! Result files, journals, checkpoints and own instances: the only user of HDF5.

pub mod theory;

//! Reading rows out of files and writing the kept ones back in the same form.

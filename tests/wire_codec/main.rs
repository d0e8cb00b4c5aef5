//! The codec of RFC 6455, from outside.

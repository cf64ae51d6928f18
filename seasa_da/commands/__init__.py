"""One file a verb: parse, call one function of the library, print."""

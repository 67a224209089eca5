"""For authors of plugins and for our own tests: contracts to inherit, faults to inject, a clock to set."""

"""What became of a lot (`telling`), and of which lot an object or an attempt is (`finding`): from objects alone."""

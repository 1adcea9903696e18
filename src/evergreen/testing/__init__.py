"""For us and for authors of plugins: what a backend must do, as tests to inherit. Needs pytest."""

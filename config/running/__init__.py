"""How the product runs on one machine: servers, programs, loading, health and metrics."""

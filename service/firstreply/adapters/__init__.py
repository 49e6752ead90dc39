"""The edges: Kafka, files, the simulator, the wire format, Prometheus, HTTP, the terminal."""

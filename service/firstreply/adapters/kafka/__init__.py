"""The Kafka edge on aiokafka: ``source`` reads, ``dead_letters`` and ``writer`` write."""

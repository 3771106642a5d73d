"""FiLot's OCR worker: reads identity cards (KTP, NPWP) that the backend queues."""

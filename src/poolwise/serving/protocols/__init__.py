"""What clients speak, one file a protocol: its requests, its replies, its errors."""

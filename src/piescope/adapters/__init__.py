"""Any model behind one protocol: from a text that names it to its scores on pictures, and its compressed copies."""

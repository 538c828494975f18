"""What several venues' answers have in common, read strictly: rows, columns, lists, multiples."""

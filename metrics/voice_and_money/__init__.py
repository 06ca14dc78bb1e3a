"""What customers said against what they paid afterwards: bands of scores, and churn, expansion and value in the year after."""

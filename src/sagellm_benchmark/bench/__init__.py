"""Making a number: workload and schedule in, samples out, statistics and checks over them."""

output "store" {
  description = "RESULTSDAY_STORE"
  value       = "s3://${aws_s3_bucket.desk.id}"
}

output "queue" {
  description = "BELL_QUEUE"
  value       = aws_sqs_queue.bell.url
}

output "landing" {
  description = "Host that centres connect to."
  value       = aws_transfer_server.landing.endpoint
}

output "roles" {
  value = { for name, role in aws_iam_role.desk : name => role.arn }
}

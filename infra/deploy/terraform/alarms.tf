resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = aws_kms_key.desk.id
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_mail
}

locals {
  alarms = {
    "bell-unheard" = {
      says       = "A message could not be taken five times. Files are taken in all the same, every five minutes; look why."
      namespace  = "AWS/SQS"
      metric     = "ApproximateNumberOfMessagesVisible"
      dimensions = { QueueName = aws_sqs_queue.unheard.name }
      statistic  = "Maximum"
      over       = 0
    }
    "nobody-listens" = {
      says       = "A file landed half an hour ago and nobody heard the bell: is the desk running?"
      namespace  = "AWS/SQS"
      metric     = "ApproximateAgeOfOldestMessage"
      dimensions = { QueueName = aws_sqs_queue.bell.name }
      statistic  = "Maximum"
      over       = 1800
    }
    "store-fails" = {
      says       = "S3 answers with errors of its own. Jobs fail and are repeated; nothing is lost."
      namespace  = "AWS/S3"
      metric     = "5xxErrors"
      dimensions = { BucketName = aws_s3_bucket.desk.id, FilterId = aws_s3_bucket_metric.desk.name }
      statistic  = "Sum"
      over       = 10
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "desk" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.says
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.over
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

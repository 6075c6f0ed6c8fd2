# What AWS would answer, for `terraform test` without AWS: `mock_provider "aws" { source = "../testing" }`.
# Without these, a mocked ARN is eight random letters, and the provider's own checks of ARNs refuse it.

mock_data "aws_availability_zones" {
  defaults = {
    names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  }
}

mock_data "aws_route53_zone" {
  defaults = {
    zone_id = "Z0000000000000000000"
    name    = "example.com"
  }
}

mock_data "aws_ec2_managed_prefix_list" {
  defaults = {
    id = "pl-00000000"
  }
}

mock_resource "aws_acm_certificate" {
  defaults = {
    arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_acm_certificate_validation" {
  defaults = {
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_appautoscaling_policy" {
  defaults = {
    arn = "arn:aws:autoscaling:eu-central-1:123456789012:scalingPolicy:00000000-0000-0000-0000-000000000000:resource/ecs/service/mocked/mocked:policyName/mocked"
  }
}

mock_resource "aws_autoscaling_group" {
  defaults = {
    arn = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:00000000-0000-0000-0000-000000000000:autoScalingGroupName/mocked"
  }
}

mock_resource "aws_backup_plan" {
  defaults = {
    arn = "arn:aws:backup:eu-central-1:123456789012:backup-plan:00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_backup_vault" {
  defaults = {
    arn = "arn:aws:backup:eu-central-1:123456789012:backup-vault:mocked"
  }
}

mock_resource "aws_cloudformation_stack" {
  defaults = {
    outputs = {
      Id       = "b-00000000-0000-0000-0000-000000000000"
      Arn      = "arn:aws:mq:eu-central-1:123456789012:broker:mocked:b-00000000-0000-0000-0000-000000000000"
      Endpoint = "amqps://b-00000000-0000-0000-0000-000000000000.mq.eu-central-1.on.aws:5671"
    }
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn            = "arn:aws:cloudfront::123456789012:distribution/E0000000000000"
    domain_name    = "d0000000000000.cloudfront.net"
    hosted_zone_id = "Z2FDTNDATAQYW2"
  }
}

mock_resource "aws_cloudfront_function" {
  defaults = {
    arn = "arn:aws:cloudfront::123456789012:function/mocked"
  }
}

mock_resource "aws_cloudwatch_composite_alarm" {
  defaults = {
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:mocked"
  }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = {
    arn = "arn:aws:events:eu-central-1:123456789012:event-bus/mocked"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = {
    arn = "arn:aws:events:eu-central-1:123456789012:rule/mocked"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-central-1:123456789012:log-group:mocked"
  }
}

mock_resource "aws_cloudwatch_metric_alarm" {
  defaults = {
    arn = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:mocked"
  }
}

mock_resource "aws_db_instance" {
  defaults = {
    arn = "arn:aws:rds:eu-central-1:123456789012:db:mocked"
  }
}

mock_resource "aws_dynamodb_table" {
  defaults = {
    arn = "arn:aws:dynamodb:eu-central-1:123456789012:table/mocked"
  }
}

mock_resource "aws_ebs_volume" {
  defaults = {
    arn = "arn:aws:ec2:eu-central-1:123456789012:volume/vol-00000000000000000"
  }
}

mock_resource "aws_ecr_repository" {
  defaults = {
    arn            = "arn:aws:ecr:eu-central-1:123456789012:repository/mocked"
    repository_url = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mocked"
  }
}

mock_resource "aws_ecs_cluster" {
  defaults = {
    arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/mocked"
  }
}

mock_resource "aws_ecs_task_definition" {
  defaults = {
    arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/mocked:1"
  }
}

mock_resource "aws_efs_access_point" {
  defaults = {
    arn = "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-00000000000000000"
  }
}

mock_resource "aws_efs_file_system" {
  defaults = {
    arn = "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-00000000000000000"
  }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    arn = "arn:aws:elasticache:eu-central-1:123456789012:replicationgroup:mocked"
  }
}

mock_resource "aws_iam_instance_profile" {
  defaults = {
    arn = "arn:aws:iam::123456789012:instance-profile/mocked"
  }
}

mock_resource "aws_iam_openid_connect_provider" {
  defaults = {
    arn = "arn:aws:iam::123456789012:oidc-provider/mocked"
  }
}

mock_resource "aws_iam_policy" {
  defaults = {
    arn = "arn:aws:iam::123456789012:policy/mocked"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::123456789012:role/mocked"
  }
}

mock_resource "aws_instance" {
  defaults = {
    arn = "arn:aws:ec2:eu-central-1:123456789012:instance/i-00000000000000000"
  }
}

mock_resource "aws_kms_key" {
  defaults = {
    arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_lambda_function" {
  defaults = {
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:mocked"
  }
}

mock_resource "aws_launch_template" {
  defaults = {
    arn            = "arn:aws:ec2:eu-central-1:123456789012:launch-template/lt-00000000000000000"
    id             = "lt-00000000000000000"
    latest_version = 1
  }
}

mock_resource "aws_lb" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/mocked/0000000000000000"
    arn_suffix = "app/mocked/0000000000000000"
    dns_name   = "mocked.eu-central-1.elb.amazonaws.com"
    zone_id    = "Z215JYRZR1TBD5"
  }
}

mock_resource "aws_lb_listener" {
  defaults = {
    arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/mocked/0000000000000000/0000000000000000"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mocked/0000000000000000"
    arn_suffix = "targetgroup/mocked/0000000000000000"
  }
}

mock_resource "aws_rds_cluster" {
  defaults = {
    arn = "arn:aws:rds:eu-central-1:123456789012:cluster:mocked"
  }
}

mock_resource "aws_rds_cluster_instance" {
  defaults = {
    arn = "arn:aws:rds:eu-central-1:123456789012:db:mocked"
  }
}

mock_resource "aws_s3_bucket" {
  defaults = {
    arn = "arn:aws:s3:::mocked"
  }
}

mock_resource "aws_scheduler_schedule" {
  defaults = {
    arn = "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/mocked"
  }
}

mock_resource "aws_scheduler_schedule_group" {
  defaults = {
    arn = "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/mocked"
  }
}

mock_resource "aws_secretsmanager_secret" {
  defaults = {
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:mocked-AbCdEf"
  }
}

mock_resource "aws_sns_topic" {
  defaults = {
    arn = "arn:aws:sns:eu-central-1:123456789012:mocked"
  }
}

mock_resource "aws_sqs_queue" {
  defaults = {
    arn = "arn:aws:sqs:eu-central-1:123456789012:mocked"
  }
}

mock_resource "aws_vpc" {
  defaults = {
    arn      = "arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-00000000000000000"
    owner_id = "123456789012"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/mocked/00000000-0000-0000-0000-000000000000"
  }
}

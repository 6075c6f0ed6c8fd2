mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name    = "shop-prod"
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
}

run "tags_do_not_move" {
  command = plan

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && !aws_ecr_repository.this.force_delete
    error_message = "a tag means one image for ever, and images are not deleted by the way"
  }

  assert {
    condition     = aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push && aws_ecr_repository.this.encryption_configuration[0].kms_key == var.key_arn
    error_message = "images are scanned and encrypted with the given key"
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.this.policy).rules[1].selection.countNumber == 30
    error_message = "thirty images are kept"
  }

  assert {
    condition     = length(aws_ecr_repository_policy.functions) == 0
    error_message = "nobody but roles fetches images"
  }
}

run "functions_fetch_images_where_there_are_some" {
  command = plan

  variables {
    functions = true
  }

  assert {
    condition     = jsondecode(aws_ecr_repository_policy.functions[0].policy).Statement[0].Principal.Service == "lambda.amazonaws.com"
    error_message = "Lambda fetches images in its own name"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name        = "Shop"
    keep_images = 2
  }

  expect_failures = [var.name, var.keep_images]
}
